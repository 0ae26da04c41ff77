# test: eval
# input: f32[N, 3, 32, 32]
import torch.nn as nn


class Net(nn.Module):
    def __init__(self, kind='huge'):
        super().__init__()
        assert kind in ('small', 'large'), kind  # error: [eval::assertion_failed]

    def forward(self, x):
        return x
