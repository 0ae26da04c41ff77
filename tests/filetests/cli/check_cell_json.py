# test: cli
# run: check {file} --cell --format json
from torch import nn


class Cell(nn.Module):
    def __init__(self):
        super().__init__()
        self.pool = nn.AvgPool2d(3, stride=1, padding=1)

    def forward(self, x):
        return x + self.pool(x)
