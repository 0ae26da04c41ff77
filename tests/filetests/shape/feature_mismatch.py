# test: shape
# input: f32[N, 3, 32, 32]
import torch
from torch import nn
from torch.nn import functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3)
        self.fc1 = nn.Linear(8 * 32 * 32, 10)

    def forward(self, x):
        x = torch.flatten(self.conv1(x), 1)
        x = self.fc1(x)  # error: [shape::feature_mismatch]
        return x
