# test: syntax
import torch.nn as nn

match = nn.Linear(3, 4)
match.bias = None


def activation(name):
    match name:  # error: [syntax::unsupported_statement]
        case "relu":
            return nn.ReLU()
        case _:
            return nn.GELU()
