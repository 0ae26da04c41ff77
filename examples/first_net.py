"""The network that the search starts from: one 1x1 convolution and one linear layer."""

import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 1, 1)
        self.fc1 = nn.Linear(1024, 10)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        x = x.reshape(-1, 1024)
        x = F.log_softmax(self.fc1(x), dim=1)
        return x
