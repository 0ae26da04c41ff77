# test: shape
# input: f32[N, 3, 32, 32]
# classes: 10
import torch
from torch import nn
from torch.nn import functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 10, 3)

    def forward(self, x):
        return self.conv(x)  # error: [check::output_shape]
