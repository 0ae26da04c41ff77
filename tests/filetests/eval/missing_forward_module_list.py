# test: eval
# input: f32[N, 3, 32, 32]
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList([nn.ReLU()])

    def forward(self, x):
        return self.blocks(x)  # error: [eval::missing_forward]
