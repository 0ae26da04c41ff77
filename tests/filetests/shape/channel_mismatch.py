# test: shape
# input: f32[N, 3, 32, 32]
import torch
from torch import nn
from torch.nn import functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 32, 3, padding=1)
        self.conv2 = nn.Conv2d(64, 10, 3)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        x = self.conv2(x)  # error: [shape::channel_mismatch]
        return x
