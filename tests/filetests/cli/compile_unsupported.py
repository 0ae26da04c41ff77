# test: cli
# run: compile {file} --input 3x8x8 --emit onnx -o never_written.onnx
# exit: 1
import torch
from torch import nn


class Net(nn.Module):
    def forward(self, x):
        x = torch.relu(x)
        return torch.cumprod(x, dim=1)
