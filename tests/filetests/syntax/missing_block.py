# test: syntax
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):  # error: [syntax::missing_block]
    super().__init__()
