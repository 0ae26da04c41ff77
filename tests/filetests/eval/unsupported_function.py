# test: eval
# input: f32[N, 3, 32, 32]
import torch
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()

    def forward(self, x):
        return torch.fft.fft(x)  # error: [eval::unsupported_function]
