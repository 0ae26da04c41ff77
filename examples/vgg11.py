"""VGG-11 (Simonyan and Zisserman 2014) for CIFAR: the convolutions, then one linear layer."""

import torch.nn as nn

WIDTHS = [64, "pool", 128, "pool", 256, 256, "pool", 512, 512, "pool", 512, 512, "pool"]


def make_features(widths, in_channels=3):
    layers = []
    for width in widths:
        if width == "pool":
            layers.append(nn.MaxPool2d(kernel_size=2, stride=2))
        else:
            layers += [
                nn.Conv2d(in_channels, width, kernel_size=3, padding=1),
                nn.BatchNorm2d(width),
                nn.ReLU(inplace=True),
            ]
            in_channels = width
    return nn.Sequential(*layers)


class VGG11(nn.Module):
    def __init__(self, num_classes=10):
        super().__init__()
        self.features = make_features(WIDTHS)
        self.classifier = nn.Linear(512, num_classes)

    def forward(self, x):
        x = self.features(x)
        x = x.view(x.size(0), -1)
        return self.classifier(x)
