# test: shape
# input: f32[N, 3, 32, 32]
import torch
from torch import nn
from torch.nn import functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.pool = nn.MaxPool2d(3, 2, padding=2)

    def forward(self, x):
        x = self.pool(x)  # error: [shape::pool_padding]
        return x
