# test: eval
# input: f32[N, 3, 32, 32]
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.pool = nn.FractionalMaxPool2d(2, output_size=8)  # error: [eval::unsupported_layer]

    def forward(self, x):
        return self.pool(x)
