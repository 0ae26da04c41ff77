# test: eval
# input: f32[N, 3, 32, 32]
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.drop = nn.Dropout(p=50)  # error: [eval::bad_argument]
        self.conv = nn.Conv2d(3, 8, 3, groups=2)  # error: [eval::bad_argument]

    def forward(self, x):
        return self.conv(self.drop(x))
