# test: shape
# input: f32[N, 10]
import torch
from torch import nn
from torch.nn import functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()

    def forward(self, x):
        a, b = torch.split(x, [4, 4], dim=1)  # error: [shape::split_mismatch]
        return a + b
