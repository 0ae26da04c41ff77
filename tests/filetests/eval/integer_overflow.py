# test: eval
# input: f32[N, 3, 32, 32]
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.width = 2**200  # error: [eval::integer_overflow]

    def forward(self, x):
        return x
