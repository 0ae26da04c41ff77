# test: eval
# input: f32[N, 3, 32, 32]
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()

    def forward(self, x):
        return F.flatten(x, 1)  # error: [eval::unknown_attribute]
