# test: shape
# input: f32[N, 10, 4, 4]
import torch
from torch import nn
from torch.nn import functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.shuffle = nn.PixelShuffle(2)

    def forward(self, x):
        x = self.shuffle(x)  # error: [shape::indivisible]
        return x
