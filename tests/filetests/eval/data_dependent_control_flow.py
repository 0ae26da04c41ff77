# test: eval
# input: f32[N, 3, 32, 32]
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()

    def forward(self, x):
        if x.mean() > 0:  # error: [eval::data_dependent_control_flow]
            x = x + 1
        return x
