# test: eval
# input: f32[N, 3, 32, 32]
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.convs = [nn.Conv2d(3, 3, 1)]  # warning: [eval::plain_list_of_layers]

    def forward(self, x):
        for conv in self.convs:
            x = conv(x)
        return x
