# test: eval
# input: f32[N, 3, 32, 32]
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.width = int('wide')  # error: [eval::bad_value]

    def forward(self, x):
        return x
