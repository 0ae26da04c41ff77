# test: shape
# input: f32[N, 3, 32, 32]
import torch
from torch import nn
from torch.nn import functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()

    def forward(self, x):
        x = x.permute(0, 2, 3, 1)
        x = x.view(x.size(0), -1)  # error: [shape::not_viewable]
        return x
