# test: shape
# input: f32[N, 3, 2, 2]
import torch
from torch import nn
from torch.nn import functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 5, padding=2, padding_mode="reflect")

    def forward(self, x):
        x = self.conv(x)  # error: [shape::padding_too_large]
        return x
