# test: eval
# input: f32[N, 3, 32, 32]
# entry: width
import torch.nn as nn  # error: [eval::bad_entry]

width = 8
