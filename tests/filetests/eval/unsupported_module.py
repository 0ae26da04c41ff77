# test: eval
# input: f32[N, 3, 32, 32]
import torch.nn as nn


from blocks import Block


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.block = Block(3)  # error: [eval::unsupported_module]

    def forward(self, x):
        return self.block(x)
