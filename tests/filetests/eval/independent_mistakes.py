# test: eval
# input: f32[N, 3, 32, 32]
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Conv2d(4, 8, 3)
        self.b = nn.Dropout(2.0)  # error: [eval::bad_argument]
        self.c = nn.Linear(100, 10)

    def forward(self, x):
        y = self.a(x)  # error: [shape::channel_mismatch]
        z = self.c(x.flatten(1))  # error: [shape::feature_mismatch]
        return self.b(y), z
