# test: eval
# input: f32[N, 3, 32, 32]
import torch.nn as nn


class Block(nn.Module):
    def forward(self, x):
        x = x + 1


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(Block(), nn.ReLU())

    def forward(self, x):
        return self.body(x)  # error: [eval::type_mismatch]
