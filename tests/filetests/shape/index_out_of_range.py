# test: shape
# input: f32[N, 7, 16]
import torch
from torch import nn
from torch.nn import functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(16, 8, batch_first=True)

    def forward(self, x):
        x, _ = self.lstm(x)
        x = x[:, 7, :]  # error: [shape::index_out_of_range]
        return x
