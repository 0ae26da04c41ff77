# test: syntax
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, (3, 3)  # error: [syntax::unclosed_bracket]
        self.fc = nn.Linear(8, 10)
