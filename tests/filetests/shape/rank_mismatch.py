# test: shape
# input: f32[N, 3, 32, 32]
import torch
from torch import nn
from torch.nn import functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3)

    def forward(self, x):
        x = torch.flatten(x, 1)
        x = self.conv1(x)  # error: [shape::rank_mismatch]
        return x
