# test: syntax
import torch.nn as nn; WIDTHS = [8, 16,]; x = (1 if WIDTHS else 2,)
if x: y = 1
else: y = -2 ** -2
