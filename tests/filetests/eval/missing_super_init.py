# test: eval
# input: f32[N, 3, 32, 32]
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        self.conv = nn.Conv2d(3, 8, 3)  # error: [eval::missing_super_init]

    def forward(self, x):
        return self.conv(x)
