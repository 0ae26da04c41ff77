# test: syntax
import torch.nn as nn

stem = nn.Sequential(nn.Conv2d(3, 8, 3], nn.ReLU())  # error: [syntax::mismatched_bracket]
