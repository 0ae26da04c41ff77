# test: eval
# input: f32[N, 3, 32, 32]
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.width = 8

    def forward(self, x):
        return self.width(x)  # error: [eval::not_callable]
