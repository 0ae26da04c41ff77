import torch.nn as nn


def conv3x3(channels):
    return nn.Sequential(nn.ReLU(), nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels))


class Cell(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.edges = nn.ModuleList([conv3x3(channels) for _ in range(6)])

    def forward(self, x):
        a = self.edges[0](x)
        b = self.edges[1](x) + self.edges[2](a)
        return self.edges[3](x) + self.edges[4](a) + self.edges[5](b)


class Reduction(nn.Module):
    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.conv_a = nn.Sequential(
            nn.ReLU(), nn.Conv2d(in_channels, out_channels, 3, 2, 1, bias=False), nn.BatchNorm2d(out_channels))
        self.conv_b = conv3x3(out_channels)
        self.down = nn.Sequential(nn.AvgPool2d(2, 2), nn.Conv2d(in_channels, out_channels, 1, bias=False))

    def forward(self, x):
        return self.down(x) + self.conv_b(self.conv_a(x))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16))
        self.cells = nn.Sequential(Cell(16), Reduction(16, 32), Cell(32), Reduction(32, 64), Cell(64))
        self.last = nn.Sequential(nn.BatchNorm2d(64), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        return self.head(self.last(self.cells(self.stem(x))))
