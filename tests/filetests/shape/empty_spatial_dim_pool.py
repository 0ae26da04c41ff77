# test: shape
# input: f32[N, 3, 4, 4]
import torch
from torch import nn
from torch.nn import functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.pool = nn.AvgPool2d(3)

    def forward(self, x):
        x = self.pool(x)
        x = self.pool(x)  # error: [shape::empty_spatial_dim]
        return x
