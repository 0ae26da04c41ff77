# test: eval
# input: f32[N, 3, 32, 32]
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        widths = {'small': 8}
        self.conv = nn.Conv2d(3, widths['large'], 1)  # error: [eval::unknown_key]

    def forward(self, x):
        return self.conv(x)
