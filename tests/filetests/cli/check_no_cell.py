# test: cli
# run: check {file} --cell
# exit: 1
from torch import nn


class Cell(nn.Module):
    def __init__(self):
        super().__init__()
        self.relu = nn.ReLU()
        self.conv = nn.Conv2d(16, 16, 5, padding=2)
        self.norm = nn.BatchNorm2d(16)

    def forward(self, x):
        return x + self.norm(self.conv(self.relu(x)))
