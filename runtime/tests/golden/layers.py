import torch
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.shift = nn.Parameter(torch.randn(EXTENTS))
        self.op = LAYER

    def forward(self, x):
        x = x + self.shift
        x = FORWARD
        return x.flatten(1)
