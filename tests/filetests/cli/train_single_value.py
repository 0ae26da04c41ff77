# test: cli
# run: train {file} --batch-size 1
# exit: 1
import torch
from torch import nn
from torch.nn import functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(64, 16)
        self.norm = nn.BatchNorm1d(16)
        self.head = nn.Linear(16, 10)

    def forward(self, x):
        x = self.norm(self.body(x.flatten(1)))
        return self.head(F.relu(x))
