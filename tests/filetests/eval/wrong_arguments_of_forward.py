# test: eval
# input: f32[N, 3, 32, 32]
import torch.nn as nn


class Add(nn.Module):
    def forward(self, a, b):
        return a + b


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.add = Add()

    def forward(self, x):
        return self.add(x)  # error: [eval::wrong_arguments]
