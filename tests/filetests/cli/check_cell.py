# test: cli
# run: check {file} --cell
import torch
from torch import nn


def conv(size):
    return nn.Sequential(nn.ReLU(), nn.Conv2d(16, 16, size, padding=size // 2), nn.BatchNorm2d(16))


class Cell(nn.Module):
    def __init__(self):
        super().__init__()
        self.edges = nn.ModuleList([conv(3), conv(3), conv(3), conv(1)])
        self.pool = nn.AvgPool2d(3, stride=1, padding=1)

    def forward(self, x):
        late = self.edges[0](x)
        second = self.edges[1](x) + self.edges[2](late)
        return torch.stack([self.edges[3](second), self.pool(late), x]).sum(dim=0)
