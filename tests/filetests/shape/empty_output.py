# test: shape
# input: f32[N, 3, 1, 1]
import torch
from torch import nn
from torch.nn import functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.up = nn.ConvTranspose2d(3, 3, 2, padding=2)

    def forward(self, x):
        x = self.up(x)  # error: [shape::empty_output]
        return x
