# test: shape
# input: f32[N, 3, 32, 32]
import torch
from torch import nn
from torch.nn import functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.pool = nn.MaxPool2d(2)
        self.fc1 = nn.Linear(400, 10)

    def forward(self, x):
        x = self.pool(x)
        x = x.view(-1, 500)  # error: [shape::reshape_size]
        x = self.fc1(x)
        return x
