# test: eval
# input: f32[N, 3, 32, 32]
import torch.nn as nn


class Net(nn.Module):
    def __init__(self, block=Block):  # error: [eval::unknown_name]
        super().__init__()
        self.block = block()

    def forward(self, x):
        return self.block(x)


class Block(nn.Module):
    def forward(self, x):
        return x
