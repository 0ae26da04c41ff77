# test: eval
# input: f32[N, 3, 32, 32]
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(256, 10)

    def forward(self, x):
        x = x.view(-1, 256)  # warning: [eval::batch_merged]
        return self.fc(x)
