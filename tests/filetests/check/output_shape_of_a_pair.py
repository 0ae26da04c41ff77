# test: shape
# input: f32[N, 7, 16]
# classes: 8
import torch
from torch import nn
from torch.nn import functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(16, 8, batch_first=True)

    def forward(self, x):
        output, (hidden, cell) = self.lstm(x)
        return output[:, -1], hidden  # error: [check::output_shape]
