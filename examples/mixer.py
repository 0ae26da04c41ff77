"""MLP-Mixer (Tolstikhin et al. 2021), small, for images of 32 x 32 pixels."""

from functools import partial

import torch.nn as nn


class Mlp(nn.Sequential):
    def __init__(self, features, hidden, dropout=0.0):
        super().__init__(
            nn.Linear(features, hidden), nn.GELU(), nn.Dropout(dropout), nn.Linear(hidden, features)
        )


class MixerBlock(nn.Module):
    def __init__(self, patches, width, norm_layer=partial(nn.LayerNorm, eps=1e-6)):
        super().__init__()
        self.norm1 = norm_layer(width)
        self.tokens = Mlp(patches, width // 2)
        self.norm2 = norm_layer(width)
        self.channels = Mlp(width, width * 4)

    def forward(self, x):
        x = x + self.tokens(self.norm1(x).transpose(1, 2)).transpose(1, 2)
        return x + self.channels(self.norm2(x))


class Mixer(nn.Module):
    def __init__(self, image=32, patch=4, width=128, depth=4, num_classes=10):
        super().__init__()
        patches = (image // patch) ** 2
        self.embed = nn.Conv2d(3, width, patch, stride=patch)
        self.blocks = nn.ModuleList(MixerBlock(patches, width) for _ in range(depth))
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.head = nn.Linear(width, num_classes)

    def forward(self, x):
        x = self.embed(x).flatten(2).transpose(1, 2)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x).mean(dim=1))
