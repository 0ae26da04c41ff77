# test: eval
# input: f32[N, 3, 32, 32]
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        width = 8
        while True:  # error: [eval::out_of_fuel]
            width = width + 0
        self.conv = nn.Conv2d(3, width, 1)

    def forward(self, x):
        return self.conv(x)
