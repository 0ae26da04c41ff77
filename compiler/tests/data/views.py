"""Writes views.jsonl: chains of operations on a contiguous tensor, a shape, and whether PyTorch can
view the result as that shape. Usage: python views.py > views.jsonl      (torch 2.15)
"""
import json
import random

import torch

random.seed(22)

for _ in range(160):
    shape = [random.choice([1, 2, 3, 4, 6]) for _ in range(random.randint(2, 4))]
    x = torch.zeros(shape)
    steps = []
    for _ in range(random.randint(1, 3)):
        kind = random.choice(["permute", "permute", "slice", "expand", "reshape", "relu"])
        if kind == "permute":
            order = random.sample(range(x.dim()), x.dim())
            steps.append(["permute", order])
            x = x.permute(order)
        elif kind == "slice":
            dim = random.randrange(x.dim())
            start, step = random.choice([0, 0, 1]), random.choice([1, 2])
            if start >= x.size(dim):
                continue
            steps.append(["slice", [dim, start, step]])
            x = x[(slice(None),) * dim + (slice(start, None, step),)]
        elif kind == "expand":
            target = [extent if extent != 1 else random.choice([1, 3]) for extent in x.shape]
            steps.append(["expand", target])
            x = x.expand(target)
        elif kind == "reshape":
            target = [x.size(0), -1]
            x = x.reshape(target)
            steps.append(["reshape", list(x.shape)])
        else:
            steps.append(["relu", []])
            x = torch.relu(x)
    total = x.numel()
    targets = [[total], [x.size(0), total // x.size(0)], [total // x.size(-1), x.size(-1)], list(x.shape) + [1]]
    if x.dim() > 2:
        targets.append([x.size(0), x.size(1) * x.size(2)] + list(x.shape[3:]))
    target = random.choice(targets)
    try:
        x.view(target)
        viewable = True
    except RuntimeError:
        viewable = False
    print(json.dumps({"shape": shape, "steps": steps, "target": target, "viewable": viewable}, separators=(",", ":")))
