# test: eval
# input: f32[N, 3, 32, 32]
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.widths = [8] * 10**9  # error: [eval::out_of_memory]

    def forward(self, x):
        return x
