# test: eval
# input: f32[N, 3, 32, 32]
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.phase = 1j  # error: [eval::unsupported_syntax]

    def forward(self, x):
        return x
