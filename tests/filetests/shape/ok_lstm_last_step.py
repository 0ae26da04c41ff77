# test: shape
# input: f32[N, 7, 16]
import torch
from torch import nn
from torch.nn import functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(16, 8, num_layers=2, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(16, 10)

    def forward(self, x):
        x, (h, c) = self.lstm(x)
        x = self.fc(x[:, -1, :])
        return x
