# test: eval
# input: f32[N, 3, 32, 32]
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(32, 32)
        self.b = nn.Linear(32, 32)  # warning: [eval::shared_parameters]
        self.b.weight = self.a.weight

    def forward(self, x):
        return self.b(self.a(x))
