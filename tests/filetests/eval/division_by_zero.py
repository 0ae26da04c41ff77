# test: eval
# input: f32[N, 3, 32, 32]
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8 // 0, 1)  # error: [eval::division_by_zero]

    def forward(self, x):
        return self.conv(x)
