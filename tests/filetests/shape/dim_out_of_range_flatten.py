# test: shape
# input: f32[N, 10]
import torch
from torch import nn
from torch.nn import functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()

    def forward(self, x):
        x = torch.flatten(x, 2)  # error: [shape::dim_out_of_range]
        return x
