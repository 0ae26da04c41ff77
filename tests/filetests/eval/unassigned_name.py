# test: eval
# input: f32[N, 3, 32, 32]
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.pool = False

    def forward(self, x):
        if self.pool:
            y = x.mean((2, 3))
        return y  # error: [eval::unassigned_name]
