# test: shape
# input: f32[N, 7, 16]
import torch
from torch import nn
from torch.nn import functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(16, 8, num_layers=2, batch_first=True)

    def forward(self, x):
        h = torch.zeros(1, x.size(0), 8)
        x, _ = self.gru(x, h)  # error: [shape::operand_shape]
        return x
