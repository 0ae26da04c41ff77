# test: shape
# input: f32[N, 28, 28]
import torch
from torch import nn
from torch.nn import functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(32, 16, batch_first=True)

    def forward(self, x):
        x, _ = self.lstm(x)  # error: [shape::feature_mismatch]
        return x
