# test: syntax
import torch.nn as nn

ACTIVATION = 'relu  # error: [syntax::unterminated_string]
CHANNELS = 8
