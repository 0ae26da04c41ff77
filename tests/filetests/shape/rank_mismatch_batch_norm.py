# test: shape
# input: f32[N, 3, 32, 32]
import torch
from torch import nn
from torch.nn import functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.bn1 = nn.BatchNorm1d(3)

    def forward(self, x):
        x = self.bn1(x)  # error: [shape::rank_mismatch]
        return x
