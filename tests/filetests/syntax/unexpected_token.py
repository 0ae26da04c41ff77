# test: syntax
import torch.nn as nn


class Net(nn.Module):
    def forward(self, x)  # error: [syntax::unexpected_token]
        return x
