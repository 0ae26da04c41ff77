# test: shape
# input: f32[N, 7, 16]
import torch
from torch import nn
from torch.nn import functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()

    def forward(self, x):
        x = torch.matmul(x, x)  # error: [shape::matmul_mismatch]
        return x
