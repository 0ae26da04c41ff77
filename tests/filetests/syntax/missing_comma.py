# test: syntax
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 16, 3)
            nn.ReLU(),  # error: [syntax::unexpected_token]
        )

    def forward(self, x):
        return self.features(x)
