# test: shape
# input: f32[N, 3, 7, 6]
import torch
from torch import nn
from torch.nn import functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.pool = nn.MaxPool2d(3, 2, padding=1, ceil_mode=True)
        self.avg = nn.AvgPool2d(2, 3, ceil_mode=True)

    def forward(self, x):
        x = self.avg(self.pool(x))
        return x
