# test: eval
# input: f32[N, 3, 32, 32]
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 8, 3), F.relu)  # error: [eval::not_a_module]

    def forward(self, x):
        return self.body(x)
