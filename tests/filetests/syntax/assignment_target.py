# test: syntax
import torch.nn as nn


def widths():
    return [8, 16]


widths() = [16, 32]  # error: [syntax::assignment_target]
