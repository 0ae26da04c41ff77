# test: eval
# input: f32[N, 3, 32, 32]
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        widths = (8, 16)
        self.conv = nn.Conv2d(3, widths[2], 1)  # error: [eval::index_out_of_range]

    def forward(self, x):
        return self.conv(x)
