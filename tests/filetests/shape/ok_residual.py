# test: shape
# input: f32[N, 3, 32, 32]
import torch
from torch import nn
from torch.nn import functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, stride=2, padding=1)
        self.bn1 = nn.BatchNorm2d(16)
        self.shortcut = nn.Conv2d(3, 16, 1, stride=2, bias=False)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)) + self.shortcut(x))
        x = x.mean(dim=(2, 3))
        return x
