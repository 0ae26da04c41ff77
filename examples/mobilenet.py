"""MobileNet (Howard et al. 2017) for CIFAR: depthwise separable convolutions."""

import torch.nn as nn


class Separable(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.depthwise = nn.Sequential(
            nn.Conv2d(in_channels, in_channels, 3, stride, 1, groups=in_channels, bias=False),
            nn.BatchNorm2d(in_channels),
            nn.ReLU(inplace=True),
        )
        self.pointwise = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, 1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
        )

    def forward(self, x):
        return self.pointwise(self.depthwise(x))


class MobileNet(nn.Module):
    # Output channels, with the stride where it is not 1.
    plan = [64, (128, 2), 128, (256, 2), 256, (512, 2), *[512] * 5, (1024, 2), 1024]

    def __init__(self, num_classes=10):
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU(inplace=True)
        )
        self.blocks = nn.Sequential(*self.make_blocks(32))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(1024, num_classes)

    def make_blocks(self, in_channels):
        for step in self.plan:
            out_channels, stride = step if isinstance(step, tuple) else (step, 1)
            yield Separable(in_channels, out_channels, stride)
            in_channels = out_channels

    def forward(self, x):
        x = self.pool(self.blocks(self.stem(x)))
        return self.classifier(x.flatten(1))
