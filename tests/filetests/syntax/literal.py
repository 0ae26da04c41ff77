# test: syntax
import torch.nn as nn

CHANNELS = 08  # error: [syntax::literal]
