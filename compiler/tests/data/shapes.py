"""Writes shapes.jsonl: random operations with the shapes, element types and multiply-accumulates
that PyTorch computes, or "error" where it raises. Batches hold 3 samples. One case a line.
Usage: python shapes.py > shapes.jsonl      (torch 2.15)
"""
import json
import random

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

random.seed(20)
BATCH = 3
DTYPES = {"f32": torch.float32, "f64": torch.float64, "f16": torch.float16, "bf16": torch.bfloat16,
          "i64": torch.int64, "i32": torch.int32, "u8": torch.uint8, "bool": torch.bool}
NAMES = {dtype: name for name, dtype in DTYPES.items()}
pick = random.choice


def tensor(shape, dtype="f32"):
    return torch.zeros(shape, dtype=DTYPES[dtype])


def flat(result):
    if isinstance(result, torch.Tensor):
        return [result]
    return [tensor for part in result for tensor in flat(part)]


def case(op, inputs, run, attributes, dtypes=None, batch=0, macs=False):
    """Runs one operation; `batch` is the dimension of the first input that is a batch, or None."""
    dtypes = dtypes or ["f32"] * len(inputs)
    row = {"op": op, **attributes, "inputs": inputs, "dtypes": dtypes, "batch": batch}
    try:
        with torch.no_grad():
            tensors = [tensor(shape, dtype) for shape, dtype in zip(inputs, dtypes)]
            counter = FlopCounterMode(display=False)
            if macs:
                # without oneDNN an LSTM is matrix products, which are counted
                with counter, torch.backends.mkldnn.flags(enabled=False):
                    results = flat(run(*tensors))
                row["macs"] = counter.get_total_flops() // 2
            else:
                results = flat(run(*tensors))
        row["outputs"] = [list(result.shape) for result in results]
        row["types"] = [NAMES[result.dtype] for result in results]
    except (RuntimeError, ValueError, IndexError, TypeError, AssertionError, NotImplementedError) as error:
        row["error"] = str(error).split("\n")[0][:90]
    print(json.dumps(row, separators=(",", ":")))


def image(spatial, channels, low=1, high=12, batched=None):
    batched = random.random() < 0.85 if batched is None else batched
    shape = ([BATCH] if batched else []) + [channels] + [random.randint(low, high) for _ in range(spatial)]
    return shape, 0 if batched else None


def convs(count):
    for _ in range(count):
        spatial = pick([1, 2, 2, 3])
        groups = pick([1, 1, 2, 4])
        channels, out = groups * random.randint(1, 3), groups * random.randint(1, 3)
        each = lambda *values: [pick(values) for _ in range(spatial)]
        kernel, stride, dilation = each(1, 2, 3, 5), each(1, 2, 3), each(1, 1, 2)
        transposed = random.random() < 0.3
        padding, extra, mode = each(0, 1, 2), each(0, 0, 1), pick(["zeros", "zeros", "reflect", "replicate", "circular"])
        bias = pick([True, False])
        shape, batch = image(spatial, channels if random.random() < 0.93 else channels + 1)
        if random.random() < 0.07:
            shape = shape[:-1]
        attributes = {"in": channels, "out": out, "kernel": kernel, "stride": stride, "dilation": dilation,
                      "groups": groups, "bias": bias, "mode": mode}
        if transposed:
            layer = getattr(nn, f"ConvTranspose{spatial}d")(
                channels, out, kernel, stride, padding, extra, groups, bias, dilation)
            attributes.update(mode="zeros", padding=[[p, p] for p in padding], output_padding=extra)
        elif random.random() < 0.15:
            attributes["stride"] = [1] * spatial
            layer = getattr(nn, f"Conv{spatial}d")(
                channels, out, kernel, 1, "same", dilation, groups, bias, mode)
            total = [d * (k - 1) for d, k in zip(dilation, kernel)]
            attributes["padding"] = [[t // 2, t - t // 2] for t in total]
        else:
            layer = getattr(nn, f"Conv{spatial}d")(
                channels, out, kernel, stride, padding, dilation, groups, bias, mode)
            attributes["padding"] = [[p, p] for p in padding]
        case("conv", [shape], layer, attributes, batch=batch, macs=True)


def pools(count):
    for _ in range(count):
        spatial = pick([1, 2, 2, 3])
        each = lambda *values: [pick(values) for _ in range(spatial)]
        kernel, stride, padding = each(1, 2, 3, 4), each(1, 2, 3, 5), each(0, 0, 1, 2)
        ceil, mode = pick([True, False]), pick(["max", "average"])
        shape, batch = image(spatial, 2, high=9)
        attributes = {"mode": mode, "kernel": kernel, "stride": stride, "padding": padding, "ceil": ceil}
        if mode == "max":
            attributes["dilation"] = each(1, 1, 2)
            layer = getattr(nn, f"MaxPool{spatial}d")(kernel, stride, padding, attributes["dilation"], ceil_mode=ceil)
        else:
            attributes["dilation"] = [1] * spatial
            layer = getattr(nn, f"AvgPool{spatial}d")(kernel, stride, padding, ceil_mode=ceil)
        case("pool", [shape], layer, attributes, batch=batch)


def adaptive(count):
    for _ in range(count):
        spatial = pick([1, 2, 3])
        mode, output = pick(["max", "average"]), [pick([1, 2, 7, None]) for _ in range(spatial)]
        if spatial == 1:
            output = [pick([1, 2, 7])]
        name = {"max": "Max", "average": "Avg"}[mode]
        layer = getattr(nn, f"Adaptive{name}Pool{spatial}d")(tuple(output) if spatial > 1 else output[0])
        low = pick([0, 1, 1])
        shape, batch = image(spatial, 2, low=low, high=low + 6 if low else 1)
        if random.random() < 0.1:
            shape = shape[:-1]
        case("adaptive", [shape], layer, {"mode": mode, "output": output}, batch=batch)


def linears(count):
    for _ in range(count):
        features, out, bias = random.randint(1, 9), random.randint(1, 9), pick([True, False])
        shape = [BATCH, 4, 5][: random.randint(0, 3)] + [features if random.random() < 0.8 else features + 1]
        dtype = "f32" if random.random() < 0.9 else pick(["i64", "f64"])
        case("linear", [shape], nn.Linear(features, out, bias), {"in": features, "out": out, "bias": bias},
             [dtype], 0 if len(shape) > 1 else None, macs=len(shape) > 1)


def norms(count):
    for _ in range(count):
        spatial, features = pick([1, 2, 3]), 4
        layer = getattr(nn, f"BatchNorm{spatial}d")(features).eval()
        shape = [BATCH, features if random.random() < 0.7 else 3] + [5] * random.randint(0, 3)
        ranks = {1: [2, 3], 2: [4], 3: [5]}[spatial]
        case("batch_norm", [shape], layer, {"features": features, "ranks": ranks})


def reshapes(count):
    for _ in range(count):
        shape = [BATCH] + [pick([1, 2, 3, 4, 6]) for _ in range(random.randint(1, 3))]
        total = torch.Size(shape).numel()
        target = [pick([1, 2, 3, 4, 6, 12, -1]) for _ in range(random.randint(0, 2))] + [pick([-1, total // BATCH, total])]
        if random.random() < 0.5:
            target = [BATCH] + target
        case("reshape", [shape], lambda x: x.reshape(target), {"target": target})


def matmuls(count):
    for _ in range(count):
        inner = random.randint(1, 5)
        batch = [pick([1, BATCH]), pick([1, 2])]
        left = batch[: random.randint(0, 2)] + [random.randint(1, 4)] * pick([0, 1, 1]) + [inner]
        right = [pick([1, BATCH]), pick([1, 2, 3])][: random.randint(0, 2)] + [inner if random.random() < 0.85 else inner + 1]
        right = right + [random.randint(1, 4)] * pick([0, 1, 1])
        dtypes = ["f32", "f32" if random.random() < 0.9 else "f64"]
        matrices = len(left) > 1 and len(right) > 1
        case("matmul", [left, right], torch.matmul, {}, dtypes, None, macs=matrices)


def binaries(count):
    functions = {"add": torch.add, "sub": torch.sub, "mul": torch.mul, "div": torch.div, "pow": torch.pow,
                 "maximum": torch.maximum, "minimum": torch.minimum}
    for _ in range(count):
        name = pick(list(functions))
        full = [pick([1, 2, 3, 5]) for _ in range(3)]
        shrink = lambda: [pick([extent, extent, extent, 1, 1, 4]) for extent in full][random.randint(0, 3):]
        case("binary", [shrink(), shrink()], functions[name], {"name": name}, [pick(list(DTYPES)), pick(list(DTYPES))], None)


def scalars(count):
    functions = {"add": torch.add, "sub": torch.sub, "mul": torch.mul, "div": torch.div, "pow": torch.pow}
    for _ in range(count):
        name, value, dtype = pick(list(functions)), pick([2, 2.0, 3, 0.5]), pick(list(DTYPES))
        case("scalar", [[2, 3]], lambda x: functions[name](x, value),
             {"name": name, "value": float(value), "is_float": isinstance(value, float)}, [dtype], None)


def elementwise():
    unary = {"neg": torch.neg, "abs": torch.abs, "exp": torch.exp, "log": torch.log, "sqrt": torch.sqrt,
             "rsqrt": torch.rsqrt, "square": torch.square}
    activation = {"relu": F.relu, "relu6": F.relu6, "leaky_relu": F.leaky_relu, "elu": F.elu, "selu": F.selu,
                  "celu": F.celu, "gelu": F.gelu, "silu": F.silu, "mish": F.mish, "sigmoid": torch.sigmoid,
                  "tanh": torch.tanh, "hardswish": F.hardswish, "hardsigmoid": F.hardsigmoid,
                  "hardtanh": F.hardtanh, "softplus": F.softplus, "softsign": F.softsign,
                  "logsigmoid": F.logsigmoid}
    for op, functions in (("unary", unary), ("activation", activation)):
        for name, function in functions.items():
            for dtype in ("f32", "bf16", "i64", "u8", "bool"):
                case(op, [[2, 3]], function, {"name": name}, [dtype], None)


def recurrents(count):
    for _ in range(count):
        cell = pick(["LSTM", "GRU", "RNN"])
        size, hidden, layers = random.randint(1, 5), random.randint(1, 5), random.randint(1, 3)
        both, first, bias = pick([True, False]), pick([True, False]), pick([True, False])
        layer = getattr(nn, cell)(size, hidden, layers, bias=bias, batch_first=first, bidirectional=both)
        features = size if random.random() < 0.85 else size + 1
        batched = random.random() < 0.8
        shape = ([BATCH, 7] if first else [7, BATCH]) + [features] if batched else [7, features]
        inputs = [shape]
        if random.random() < 0.4:
            cells = layers * (2 if both else 1)
            state = ([cells, BATCH] if batched else [cells]) + [hidden if random.random() < 0.8 else hidden + 1]
            inputs += [state] * (2 if cell == "LSTM" else 1)
        run = (lambda x, *states: layer(x, states)) if cell == "LSTM" and len(inputs) > 1 else layer
        case("recurrent", inputs, run,
             {"cell": cell, "in": size, "hidden": hidden, "layers": layers, "bidirectional": both,
              "batch_first": first, "bias": bias}, batch=(0 if first else 1) if batched else None, macs=True)


def cats(count):
    for _ in range(count):
        rank, dim = 3, random.randint(0, 3)
        base = [BATCH, 4, 5]
        inputs = []
        for _ in range(random.randint(1, 3)):
            shape = list(base)
            shape[min(dim, 2)] = random.randint(0, 4)
            if random.random() < 0.15:
                shape[random.randint(0, 2)] = 6
            inputs.append([0] if random.random() < 0.1 else shape)
        dtypes = [pick(["f32", "f32", "i64", "f16", "bool"]) for _ in inputs]
        case("cat", inputs, lambda *tensors: torch.cat(tensors, dim), {"dim": dim}, dtypes, None)


def reductions(count):
    functions = {"sum": torch.sum, "mean": torch.mean, "max": torch.amax, "min": torch.amin}
    for _ in range(count):
        name, dtype = pick(list(functions)), pick(["f32", "f32", "f16", "i64", "bool"])
        dims, keep = sorted(random.sample([0, 1, 2, 3], random.randint(1, 3))), pick([True, False])
        shape = [BATCH, pick([0, 2, 2]), 4]
        case("reduce", [shape], lambda x: functions[name](x, dim=dims, keepdim=keep),
             {"name": name, "dims": dims, "keep": keep}, [dtype])


def rest(count):
    for _ in range(count):
        dim = random.randint(0, 3)
        case("softmax", [[BATCH, 4, 5]], lambda x: F.softmax(x, dim), {"dim": dim},
             [pick(["f32", "f32", "i64"])])
        order = random.sample([0, 1, 2], 3) if random.random() < 0.8 else pick([[0, 1], [0, 0, 1]])
        case("permute", [[BATCH, 4, 5]], lambda x: x.permute(order), {"order": order})
        shape = [pick([1, BATCH]), pick([1, 4]), 5][random.randint(0, 2):]
        target = [2] * pick([0, 0, 1]) + [BATCH, 4, 5]
        case("expand", [shape], lambda x: x.expand(target), {"target": target}, None, None)
        start, end, step = random.randint(0, 6), pick([None, 1, 3, 5]), random.randint(1, 3)
        dim = random.randint(0, 2)
        extent = [BATCH, 4, 5][dim]
        clamped = None if end is None else min(end, extent)
        case("slice", [[BATCH, 4, 5]], lambda x: x[(slice(None),) * dim + (slice(start, end, step),)],
             {"dim": dim, "start": start, "end": clamped, "step": step})


if __name__ == "__main__":
    convs(90)
    pools(90)
    adaptive(30)
    linears(25)
    norms(20)
    reshapes(50)
    matmuls(60)
    binaries(70)
    scalars(25)
    elementwise()
    recurrents(40)
    cats(40)
    reductions(40)
    rest(14)
