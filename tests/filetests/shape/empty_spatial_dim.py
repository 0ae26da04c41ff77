# test: shape
# input: f32[N, 3, 32, 32]
import torch
from torch import nn
from torch.nn import functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.pool = nn.MaxPool2d(8)
        self.conv = nn.Conv2d(3, 8, 5)

    def forward(self, x):
        x = self.pool(x)
        x = self.conv(x)  # error: [shape::empty_spatial_dim]
        return x
