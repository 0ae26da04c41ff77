# test: eval
# input: f32[N, 3, 32, 32]
import torch.nn as nn


def make(kind):
    if kind == 'plain':
        return nn.Identity()
    raise NotImplementedError(f'{kind} blocks')  # error: [eval::raised]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.block = make('wide')

    def forward(self, x):
        return self.block(x)
