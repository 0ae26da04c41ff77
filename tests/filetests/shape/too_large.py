# test: shape
# input: f32[N, 4, 4]
import torch
from torch import nn
from torch.nn import functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4000000000000)

    def forward(self, x):
        x = self.fc(x)
        x = x.unsqueeze(1).expand(-1, 4000000, -1, -1)  # error: [shape::too_large]
        return x
