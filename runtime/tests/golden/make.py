#!/usr/bin/env python3
"""Computes with PyTorch the figures that nasc's operations are compared with.

    python3 runtime/tests/golden/make.py

Writes ops.safetensors, curve.safetensors, layers.safetensors, optimizers.safetensors and
schedules.safetensors beside this file. A case is a network
`flatten(op(x + shift))`: the gradient of `shift` is the op's input gradient. For each case the file
has its input, state before, logits in evaluation mode, loss and gradients in training mode, and the
state after. Labels are 0, 1, 2, ... modulo the number of logits. Needs torch and numpy.
"""

import json
import struct
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

HERE = Path(__file__).parent


def write(path, tensors):
    header, data = {}, b""
    for name, tensor in tensors.items():
        array = tensor.detach().contiguous().numpy()
        dtype = {"float32": "F32", "int64": "I64"}[str(array.dtype)]
        header[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": [len(data), len(data) + array.nbytes]}
        data += array.tobytes()
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


class Case(nn.Module):
    def __init__(self, op, extents):
        super().__init__()
        self.shift = nn.Parameter(torch.randn(extents))
        self.op = op

    def forward(self, x):
        return self.op(x + self.shift).flatten(1)


class Function(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


class First(nn.Module):
    """The output of a recurrent layer; its parameters keep their names."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x)[0]


def function(f):
    return Function(f)


C2, C1, C3, T2 = nn.Conv2d, nn.Conv1d, nn.Conv3d, nn.ConvTranspose2d
IMAGE = (4, 7, 5)
CASES = {
    # name: (op, extents of one sample, batch)
    "conv2d": (C2(3, 5, 3), (3, 7, 6), 3),
    "conv2d_batch1": (C2(3, 5, 3, padding=1), (3, 7, 6), 1),
    "conv2d_many": (C2(2, 3, 3, padding=1), (2, 5, 4), 37),
    "conv2d_stride": (C2(4, 6, (3, 2), stride=(2, 3), padding=(1, 2), dilation=(2, 1)), (4, 9, 8), 2),
    "conv2d_groups": (C2(4, 8, 3, groups=2, bias=False, padding=1), (4, 5, 6), 2),
    "conv2d_depthwise": (C2(4, 4, 3, groups=4, padding=1, stride=2), (4, 7, 7), 2),
    "conv2d_depthwise1": (C2(4, 4, 3, groups=4, padding=1), (4, 6, 7), 2),
    "conv2d_pointwise": (C2(4, 6, 1), (4, 5, 3), 2),
    "conv2d_same": (C2(3, 4, (4, 2), padding="same"), (3, 6, 7), 2),
    "conv2d_reflect": (C2(3, 4, 3, padding=2, padding_mode="reflect"), (3, 6, 7), 2),
    "conv2d_replicate": (C2(3, 4, 3, padding=2, padding_mode="replicate"), (3, 6, 7), 2),
    "conv2d_circular": (C2(3, 4, 3, padding=2, padding_mode="circular"), (3, 6, 7), 2),
    "conv1d": (C1(3, 4, 3, stride=2, padding=1), (3, 11), 2),
    "conv3d": (C3(2, 3, (2, 3, 2), padding=(0, 1, 1)), (2, 4, 5, 3), 2),
    "conv_transpose2d": (T2(4, 6, 3, stride=2, padding=1, output_padding=1, groups=2), (4, 5, 4), 2),
    "linear": (nn.Linear(6, 4), (3, 6), 2),
    "batch_norm": (nn.BatchNorm2d(4), IMAGE, 5),
    "batch_norm_cumulative": (nn.BatchNorm2d(4, momentum=None), IMAGE, 5),
    "batch_norm_1d": (nn.BatchNorm1d(6), (6,), 5),
    "batch_norm_plain": (nn.BatchNorm2d(4, affine=False, track_running_stats=False), IMAGE, 3),
    "layer_norm": (nn.LayerNorm((7, 5)), IMAGE, 2),
    "group_norm": (nn.GroupNorm(2, 4), IMAGE, 2),
    "max_pool": (nn.MaxPool2d(2), IMAGE, 2),
    "max_pool_padded": (nn.MaxPool2d(3, stride=2, padding=1, ceil_mode=True), IMAGE, 2),
    "max_pool_dilated": (nn.MaxPool2d(2, stride=1, dilation=2), IMAGE, 2),
    "avg_pool": (nn.AvgPool2d(2), IMAGE, 2),
    "avg_pool_ceil": (nn.AvgPool2d(3, stride=2, padding=1, ceil_mode=True), (4, 8, 6), 2),
    "avg_pool_exclude": (nn.AvgPool2d(3, stride=2, padding=1, ceil_mode=True, count_include_pad=False), (4, 8, 6), 2),
    "avg_pool_divisor": (nn.AvgPool2d(2, divisor_override=3), IMAGE, 2),
    "max_pool1d": (nn.MaxPool1d(3, stride=2), (4, 9), 2),
    "adaptive_avg": (nn.AdaptiveAvgPool2d((3, 2)), IMAGE, 2),
    "adaptive_avg_up": (nn.AdaptiveAvgPool2d((9, None)), IMAGE, 2),
    "adaptive_max": (nn.AdaptiveMaxPool2d((3, 2)), IMAGE, 2),
    "relu": (nn.ReLU(), IMAGE, 2),
    "relu6": (function(lambda x: F.relu6(6 * x)), IMAGE, 2),
    "leaky_relu": (nn.LeakyReLU(0.1), IMAGE, 2),
    "elu": (nn.ELU(0.7), IMAGE, 2),
    "selu": (nn.SELU(), IMAGE, 2),
    "celu": (nn.CELU(0.7), IMAGE, 2),
    "gelu": (nn.GELU(), IMAGE, 2),
    "gelu_tanh": (nn.GELU(approximate="tanh"), IMAGE, 2),
    "silu": (nn.SiLU(), IMAGE, 2),
    "mish": (nn.Mish(), IMAGE, 2),
    "sigmoid": (nn.Sigmoid(), IMAGE, 2),
    "tanh": (nn.Tanh(), IMAGE, 2),
    "hardswish": (nn.Hardswish(), IMAGE, 2),
    "hardsigmoid": (nn.Hardsigmoid(), IMAGE, 2),
    "hardtanh": (nn.Hardtanh(-0.5, 0.8), IMAGE, 2),
    "softplus": (nn.Softplus(2.0, 1.5), IMAGE, 2),
    "softsign": (nn.Softsign(), IMAGE, 2),
    "logsigmoid": (nn.LogSigmoid(), IMAGE, 2),
    "hardshrink": (nn.Hardshrink(0.4), IMAGE, 2),
    "softshrink": (nn.Softshrink(0.4), IMAGE, 2),
    "tanhshrink": (nn.Tanhshrink(), IMAGE, 2),
    "threshold": (nn.Threshold(0.2, -1.0), IMAGE, 2),
    "softmax": (nn.Softmax(1), IMAGE, 2),
    "log_softmax": (nn.LogSoftmax(2), IMAGE, 2),
    "lstm": (First(nn.LSTM(5, 3, num_layers=2, bidirectional=True, batch_first=True)), (4, 5), 3),
    "gru": (First(nn.GRU(5, 3, num_layers=2, bidirectional=True, batch_first=True)), (4, 5), 3),
    "rnn_tanh": (First(nn.RNN(5, 3, batch_first=True)), (4, 5), 3),
    "rnn_relu": (First(nn.RNN(5, 3, nonlinearity="relu", bias=False, batch_first=True)), (4, 5), 3),
    "permute": (function(lambda x: x.permute(0, 3, 1, 2)), IMAGE, 2),
    "cat": (function(lambda x: torch.cat([x, x * x], 1)), IMAGE, 2),
    "slice": (function(lambda x: x[:, :, 1:6:2]), IMAGE, 2),
    "pad": (nn.ConstantPad2d((1, -1, 0, 2), 0.5), IMAGE, 2),
    "mean": (function(lambda x: x.mean((2, 3))), IMAGE, 2),
    "sum": (function(lambda x: x.sum(1, keepdim=True)), IMAGE, 2),
    "amax": (function(lambda x: x.amax(2)), IMAGE, 2),
    "std": (function(lambda x: x.std(2)), IMAGE, 2),
    "logsumexp": (function(lambda x: x.logsumexp(2)), IMAGE, 2),
    "matmul": (function(lambda x: x @ x.transpose(2, 3)), IMAGE, 2),
    "div_scalar": (function(lambda x: 3.0 / (x * x + 1)), IMAGE, 2),
    "pow": (function(lambda x: x**3), IMAGE, 2),
    "broadcast": (function(lambda x: x - x.mean(1, keepdim=True)), IMAGE, 2),
    "maximum": (function(lambda x: torch.maximum(x, x * x)), IMAGE, 2),
    "sqrt_exp": (function(lambda x: torch.sqrt(torch.exp(x))), IMAGE, 2),
    "prelu": (nn.PReLU(4), IMAGE, 2),
    "glu": (nn.GLU(1), IMAGE, 2),
    "pixel_shuffle": (nn.PixelShuffle(2), (8, 3, 2), 2),
    "roll": (function(lambda x: torch.roll(x, (2, -1), (2, 3)) * x), IMAGE, 2),
}


def ops():
    torch.manual_seed(1)
    tensors = {}
    for name, (op, extents, batch) in CASES.items():
        record(tensors, name, Case(op, extents), extents, batch)
    write(HERE / "ops.safetensors", tensors)


def record(tensors, name, case, extents, batch):
    """Everything that a backend is compared with."""
    with torch.no_grad():
        for path, tensor in case.named_parameters():
            if path != "shift":
                tensor.copy_(torch.randn_like(tensor) * 0.4)
    x = torch.randn(batch, *extents)
    for path, tensor in case.state_dict().items():
        tensors[f"{name}/before/{path}"] = tensor.clone()
    tensors[f"{name}/input"] = x
    case.train()
    logits = case(x)
    labels = torch.arange(batch) % logits.shape[1]
    loss = F.cross_entropy(logits, labels)
    loss.backward()
    tensors[f"{name}/loss"] = loss.reshape(1)
    for path, tensor in case.named_parameters():
        tensors[f"{name}/gradient/{path}"] = tensor.grad
    for path, tensor in case.named_buffers():
        tensors[f"{name}/after/{path}"] = tensor.clone()
    case.eval()
    tensors[f"{name}/logits"] = case(x)


def curve():
    """Twenty steps of SGD with momentum, weight decay and Nesterov on a small network."""
    torch.manual_seed(2)
    net = nn.Sequential()
    net.add_module("conv", nn.Conv2d(1, 8, 3, padding=1))
    net.add_module("norm", nn.BatchNorm2d(8))
    net.add_module("relu", nn.ReLU())
    net.add_module("pool", nn.MaxPool2d(2))
    net.add_module("flatten", nn.Flatten())
    net.add_module("head", nn.Linear(128, 10))
    tensors = {f"before/{path}": tensor.clone() for path, tensor in net.state_dict().items()}
    count, batch = 80, 16
    index = np.arange(count)[:, None]
    pixel = np.arange(64)[None, :]
    images = ((index * 31 + pixel * 17 + (index % 10) * pixel * 5) % 256).astype(np.float32)
    images = torch.from_numpy((images / 255 - 0.5) / 0.5).reshape(count, 1, 8, 8)
    labels = torch.arange(count) % 10
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=0.001, nesterov=True)
    orders, losses = [], []
    for _ in range(4):
        order = torch.randperm(count)
        orders.append(order)
        for first in range(0, count, batch):
            chosen = order[first : first + batch]
            optimizer.zero_grad()
            loss = F.cross_entropy(net(images[chosen]), labels[chosen])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    net.eval()
    tensors["order"] = torch.cat(orders)
    tensors["losses"] = torch.tensor(losses)
    tensors["evaluation"] = F.cross_entropy(net(images), labels).reshape(1)
    tensors |= {f"after/{path}": tensor.clone() for path, tensor in net.state_dict().items()}
    write(HERE / "curve.safetensors", tensors)


def layer_case(extents, layer, forward):
    """The network of a line of layers.txt; nasc compiles the same text (layers.rs)."""
    text = (HERE / "layers.py").read_text()
    text = text.replace("EXTENTS", extents).replace("LAYER", "nn.Identity()" if layer == "-" else layer)
    names = {}
    exec(text.replace("FORWARD", forward), names)
    return names["Net"]()


def layers():
    torch.manual_seed(4)
    tensors = {}
    for line in (HERE / "layers.txt").read_text().splitlines()[1:]:
        name, extents, batch, layer, forward = (part.strip() for part in line.split(" | "))
        case, shape = layer_case(extents, layer, forward), [int(extent) for extent in extents.split(",")]
        record(tensors, name, case, shape, int(batch))
    write(HERE / "layers.safetensors", tensors)


SGD, ADAM, ADAMW = torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW
OPTIMIZERS = {
    # name: (optimiser, its options, clip norm, label smoothing)
    "sgd": (SGD, {"lr": 0.1}, None, 0.0),
    "sgd_decay": (SGD, {"lr": 0.1, "weight_decay": 0.02}, None, 0.0),
    "sgd_momentum": (SGD, {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.02}, None, 0.0),
    "sgd_nesterov": (SGD, {"lr": 0.1, "momentum": 0.8, "nesterov": True}, None, 0.0),
    "sgd_dampening": (SGD, {"lr": 0.1, "momentum": 0.9, "dampening": 0.3}, None, 0.0),
    "adam": (ADAM, {"lr": 0.02, "weight_decay": 0.05}, None, 0.0),
    "adam_betas": (ADAM, {"lr": 0.02, "betas": (0.7, 0.95), "eps": 1e-3}, None, 0.0),
    "adamw": (ADAMW, {"lr": 0.02, "weight_decay": 0.1}, None, 0.0),
    "clipped": (SGD, {"lr": 0.5, "momentum": 0.9}, 0.2, 0.0),
    "smoothed": (SGD, {"lr": 0.1}, None, 0.1),
}


def optimizers():
    """Twelve steps of each optimiser on a perceptron: losses before each step, and the weights after."""
    torch.manual_seed(3)
    start = nn.Sequential(nn.Flatten(), nn.Linear(12, 8), nn.Tanh(), nn.Linear(8, 5))
    tensors = {f"before/{path}": tensor.clone() for path, tensor in start.state_dict().items()}
    images, labels = torch.randn(12, 7, 3, 2, 2), torch.randint(5, (12, 7))
    tensors |= {"images": images, "labels": labels}
    for name, (make, options, clip, smoothing) in OPTIMIZERS.items():
        net = nn.Sequential(nn.Flatten(), nn.Linear(12, 8), nn.Tanh(), nn.Linear(8, 5))
        net.load_state_dict(start.state_dict())
        optimizer = make(net.parameters(), foreach=False, **options)
        losses = []
        for x, y in zip(images, labels):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y, label_smoothing=smoothing)
            loss.backward()
            if clip:
                nn.utils.clip_grad_norm_(net.parameters(), clip)
            optimizer.step()
            losses.append(loss.item())
        tensors[f"{name}/losses"] = torch.tensor(losses)
        tensors |= {f"{name}/after/{path}": tensor.clone() for path, tensor in net.state_dict().items()}
    write(HERE / "optimizers.safetensors", tensors)


def schedules():
    """Learning rates, and momenta where they change, of 40 steps: 8 epochs of 5."""
    from torch.optim import lr_scheduler as lr

    total, per_epoch = 40, 5
    warm = lambda optimizer, steps, after: lr.SequentialLR(
        optimizer, [lr.LinearLR(optimizer, start_factor=0.1, total_iters=steps), after], milestones=[steps]
    )
    made = {
        "constant": lambda o: lr.ConstantLR(o, factor=1.0),
        "step": lambda o: lr.StepLR(o, step_size=3 * per_epoch, gamma=0.1),
        "cosine": lambda o: lr.CosineAnnealingLR(o, T_max=total),
        "cosine_floor": lambda o: lr.CosineAnnealingLR(o, T_max=total, eta_min=0.02),
        "one_cycle": lambda o: lr.OneCycleLR(o, max_lr=0.2, total_steps=total),
        "one_cycle_linear": lambda o: lr.OneCycleLR(
            o, max_lr=0.2, total_steps=total, pct_start=0.2, anneal_strategy="linear",
            div_factor=10, final_div_factor=100, base_momentum=0.8, max_momentum=0.9,
        ),
        "warm_up": lambda o: warm(o, 10, lr.ConstantLR(o, factor=1.0)),
        "warm_up_cosine": lambda o: warm(o, 10, lr.CosineAnnealingLR(o, T_max=total - 10)),
        "warm_up_step": lambda o: warm(o, 10, lr.StepLR(o, step_size=2 * per_epoch, gamma=0.5)),
    }
    tensors = {}
    for name, make in made.items():
        optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.2, momentum=0.9)
        schedule = make(optimizer)
        rates = []
        for _ in range(total):
            rates.append([optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["momentum"]])
            optimizer.step()
            if len(rates) < total:
                schedule.step()
        tensors[name] = torch.tensor(rates)
    write(HERE / "schedules.safetensors", tensors)


ops()
layers()
curve()
optimizers()
schedules()
