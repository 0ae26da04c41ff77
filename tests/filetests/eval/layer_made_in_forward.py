# test: eval
# input: f32[N, 3, 32, 32]
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3072, 10)

    def forward(self, x):
        x = nn.Dropout(0.5)(x)  # warning: [eval::layer_made_in_forward]
        return self.fc(x.flatten(1))
