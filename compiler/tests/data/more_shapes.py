"""Writes more_shapes.jsonl: as shapes.py, for normalisations, attention, einsum, padding, resampling
and the operations that move, select and make elements.
Usage: python more_shapes.py > more_shapes.jsonl      (torch 2.15)
"""
import random

import torch
from torch import nn
from torch.nn import functional as F

from shapes import BATCH, DTYPES, case, image, pick

random.seed(21)


def norms(count):
    for _ in range(count):
        last = [pick([4, 6]) for _ in range(pick([1, 1, 2]))]
        shape = [BATCH, 5] + [pick([extent, extent, extent, 3]) for extent in last]
        weight, bias = pick([(True, True), (True, False), (False, False)])
        layer = nn.LayerNorm(last, elementwise_affine=weight, bias=bias)
        case("layer_norm", [shape], layer, {"shape": last, "weight": weight, "bias": bias, "rms": False})
        layer = nn.RMSNorm(last, elementwise_affine=weight)
        case("layer_norm", [shape], layer, {"shape": last, "weight": weight, "bias": False, "rms": True})
        groups, affine = pick([1, 2, 3]), pick([True, False])
        shape = [BATCH, pick([6, 6, 4])] + [5] * random.randint(0, 2)
        case("group_norm", [shape], nn.GroupNorm(groups, 6, affine=affine),
             {"groups": groups, "channels": 6, "affine": affine})
        spatial = pick([1, 2, 3])
        shape, batch = image(spatial, pick([4, 4, 3]), low=2)
        shape = shape if random.random() < 0.85 else shape[1:]
        affine = pick([True, False])
        if len(shape) != spatial + 2:
            batch = None
        layer = getattr(nn, f"InstanceNorm{spatial}d")(4, affine=affine)
        case("instance_norm", [shape], layer, {"features": 4, "spatial": spatial, "affine": affine}, batch=batch)
        shape = [BATCH, 4] + [5] * random.randint(0, 3)
        case("local_response_norm", [shape], nn.LocalResponseNorm(2), {})


def layers(count):
    for _ in range(count):
        shape = [BATCH, 7][: random.randint(1, 2)]
        case("embedding", [shape], nn.Embedding(9, 5), {"rows": 9, "columns": 5}, [pick(["i64", "i32", "f32"])])
        slopes = pick([1, 4])
        shape = [BATCH, pick([4, 4, 3]), 5][: random.randint(1, 3)]
        case("prelu", [shape], nn.PReLU(slopes), {"slopes": slopes})
        dim = random.randint(0, 3)
        case("glu", [[BATCH, pick([4, 5]), 6]], lambda x: F.glu(x, dim), {"dim": dim})
        left, right = [BATCH, 4, pick([5, 5, 6])], [BATCH, pick([4, 4, 1]), 6]
        case("bilinear", [left, right], nn.Bilinear(5, 6, 3), {"in1": 5, "in2": 6, "out": 3}, None, None)
        spatial = pick([1, 2])
        each = lambda *values: [pick(values) for _ in range(spatial)]
        kernel, stride, ceil = each(1, 2, 3), each(1, 2, 3), pick([True, False])
        shape, batch = image(spatial, 2, high=7, batched=True)
        layer = getattr(nn, f"LPPool{spatial}d")(2, kernel if spatial > 1 else kernel[0],
                                                 stride if spatial > 1 else stride[0], ceil)
        case("lp_pool", [shape], layer, {"kernel": kernel, "stride": stride, "ceil": ceil}, batch=batch)
        pair = lambda *values: [pick(values) for _ in range(2)]
        kernel, dilation, padding, stride = pair(1, 2, 3), pair(1, 2), pair(0, 1), pair(1, 2)
        shape, batch = image(2, 3, high=7)
        case("unfold", [shape], nn.Unfold(kernel, dilation, padding, stride),
             {"kernel": kernel, "dilation": dilation, "padding": padding, "stride": stride}, batch=batch)


def attentions(count):
    for _ in range(count):
        heads, length, keys, features, values = 2, pick([4, 5]), pick([5, 6]), 3, pick([3, 7])
        query = [BATCH, heads, length, features]
        key = [BATCH, heads, keys, pick([features, features, features, 4])]
        value = [BATCH, heads, pick([keys, keys, keys, 8]), values]
        inputs = [query, key, value]
        if random.random() < 0.4:
            inputs.append(pick([[length, keys], [BATCH, 1, length, keys], [length, keys + 1]]))
        backend = torch.nn.attention.SDPBackend.MATH

        def run(q, k, v, mask=None):
            with torch.nn.attention.sdpa_kernel(backend):
                return F.scaled_dot_product_attention(q, k, v, mask)

        case("attention", inputs, run, {}, None, None, macs=True)


def einsums():
    extents = {"a": 2, "b": BATCH, "c": 4, "d": 5, "e": 6, "h": 2, "i": 7, "j": 3}
    for equation in ["bij,bjc->bic", "bhid,bhjd->bhij", "bhij,bhjd->bhid", "bij->bji", "bij->b", "i,j->ij", "ij,ij->ij",
                     "bij,ij->bij", "bij,jk->bik".replace("k", "e"), "bcd,ce->bde", "bi,bj,bc->b", "ij,jc,cd->id",
                     "bijd,jcd->bijc", "ii->i", "bij,bjc->b"]:
        labels, output = equation.split("->")
        for broken in (False, True):
            inputs = [[extents[label] for label in part] for part in labels.split(",")]
            if broken:
                inputs[-1] = inputs[-1][:-1] + [inputs[-1][-1] + 5]
            if "ii" in equation:
                continue
            case("einsum", inputs, lambda *tensors: torch.einsum(equation, *tensors), {"equation": equation},
                 None, None, macs=True)


def images(count):
    for _ in range(count):
        padded = random.randint(1, 3)
        padding = [[pick([0, 1, 2, 3, -1]), pick([0, 1, 2])] for _ in range(padded)]
        mode = pick(["constant", "constant", "reflect", "replicate", "circular"])
        if mode != "constant":
            padding = [[abs(before), after] for before, after in padding]
        shape = [BATCH] + [pick([1, 2, 4]) for _ in range(random.randint(max(1, padded - 1), 4))]
        flat = [size for pair in reversed(padding) for size in pair]
        batch = 0 if len(shape) > padded else None
        case("pad", [shape], lambda x: F.pad(x, flat, mode), {"padding": padding, "mode": mode}, batch=batch)
        spatial = pick([1, 2, 3])
        mode = pick(["nearest", {1: "linear", 2: "bilinear", 3: "trilinear"}[spatial], "area", "bicubic"])
        output = [pick([1, 3, 8, 0 if random.random() < 0.2 else 2]) for _ in range(spatial)]
        shape, _ = image(spatial, 2, low=pick([0, 1, 1, 1]), batched=True)
        if random.random() < 0.1:
            shape = shape[1:]
        case("interpolate", [shape], lambda x: F.interpolate(x, output, mode=mode),
             {"output": output, "mode": mode}, batch=0 if len(shape) == spatial + 2 else None)
        factor = pick([1, 2, 3])
        shape = [BATCH, pick([4, 9, 8]), pick([6, 4]), 6][random.randint(0, 1):]
        case("pixel_shuffle", [shape], nn.PixelShuffle(factor), {"factor": factor, "inverse": False}, batch=None)
        case("pixel_shuffle", [shape], nn.PixelUnshuffle(factor), {"factor": factor, "inverse": True}, batch=None)


def moves(count):
    base = [BATCH, 4, 6]
    for _ in range(count):
        dim = random.randint(0, 3)
        sizes = [pick([1, 2, 3]) for _ in range(random.randint(1, 3))]
        case("split", [base], lambda x: torch.split(x, sizes, dim), {"dim": dim, "sizes": sizes}, batch=None)
        case("flip", [base], lambda x: torch.flip(x, [dim]), {"dims": [dim]})
        case("roll", [base], lambda x: torch.roll(x, 1, dim), {"dims": [dim]})
        repeats = [pick([1, 2, 3]) for _ in range(random.randint(2, 4))]
        case("repeat", [base], lambda x: x.repeat(repeats), {"repeats": repeats})
        size, step = pick([1, 2, 5]), pick([1, 2])
        case("windows", [base], lambda x: x.unfold(dim, size, step), {"dim": dim, "size": size, "step": step}, batch=None)
        indices = pick([[2], [2, 2], []])
        case("index", [base, indices], lambda x, i: x[(slice(None),) * dim + (i,)], {"dim": dim}, ["f32", "i64"], None)
        indices = [pick([1, 3, 4]), pick([1, 4, 5]), pick([2, 6])]
        case("gather", [base, indices], lambda x, i: torch.gather(x, dim, i), {"dim": dim}, ["f32", "i64"], None)
        k = pick([1, 3, 5])
        case("topk", [base], lambda x: torch.topk(x, k, dim), {"dim": dim, "k": k}, batch=None)
        keep, where = pick([True, False]), pick([None, dim])
        case("argmax", [base], lambda x: torch.argmax(x, where, keep), {"dim": where, "keep": keep})
        case("cumsum", [base], lambda x: torch.cumsum(x, dim), {"dim": dim}, [pick(["f32", "i64", "bool", "f16"])])
        rank = random.randint(1, 3)
        case("tril", [base[:rank]], torch.tril, {})
        condition = pick([[6], [4, 1], [BATCH, 1, 1], [5]])
        case("where", [condition, base, [6]], torch.where, {}, [pick(["bool", "bool", "f32"]), "f32", pick(["f32", "i64"])], None)
        case("masked_fill", [base, condition], lambda x, m: x.masked_fill(m, 1.0), {}, ["f32", pick(["bool", "bool", "i64"])], None)
        case("clamp", [base], lambda x: x.clamp(0, 1), {}, [pick(["f32", "i64", "bool"])])
        start, end, step = pick([0, 1, 0.5]), pick([5, 7.5, -1]), pick([1, 2, 0.5])
        case("arange", [], lambda: torch.arange(start, end, step, dtype=torch.float32),
             {"start": start, "end": end, "step": step}, batch=None)


def more_elementwise():
    unary = {"sin": torch.sin, "cos": torch.cos, "tan": torch.tan, "reciprocal": torch.reciprocal, "floor": torch.floor,
             "ceil": torch.ceil, "round": torch.round, "sign": torch.sign, "erf": torch.erf, "expm1": torch.expm1,
             "log1p": torch.log1p, "log2": torch.log2, "logical_not": torch.logical_not}
    activation = {"hardshrink": F.hardshrink, "softshrink": F.softshrink, "tanhshrink": F.tanhshrink,
                  "threshold": lambda x: F.threshold(x, 0, 0), "rrelu": F.rrelu}
    binary = {"floor_divide": torch.floor_divide, "remainder": torch.remainder, "eq": torch.eq, "ne": torch.ne,
              "lt": torch.lt, "le": torch.le, "gt": torch.gt, "ge": torch.ge, "logical_and": torch.logical_and,
              "logical_or": torch.logical_or, "logical_xor": torch.logical_xor}
    reduction = {"prod": lambda x, d: torch.prod(x, d), "var": lambda x, d: torch.var(x, d),
                 "std": lambda x, d: torch.std(x, d), "norm": lambda x, d: torch.linalg.vector_norm(x, 2, d),
                 "logsumexp": lambda x, d: torch.logsumexp(x, d), "all": lambda x, d: torch.all(x, d),
                 "any": lambda x, d: torch.any(x, d)}
    for dtype in ("f32", "bf16", "i64", "u8", "bool"):
        for name, function in unary.items():
            case("unary", [[2, 3]], function, {"name": name}, [dtype], None)
        for name, function in activation.items():
            case("activation", [[2, 3]], function, {"name": name}, [dtype], None)
        for name, function in binary.items():
            # ones on the right: an integer is not divided by zero
            case("binary", [[2, 3], [3]], lambda x, y: function(x, torch.ones_like(y)), {"name": name}, [dtype, pick(list(DTYPES))], None)
        for name, function in reduction.items():
            case("reduce", [[BATCH, 4]], lambda x: function(x, 1), {"name": name, "dims": [1], "keep": False}, [dtype])


if __name__ == "__main__":
    norms(14)
    layers(12)
    attentions(20)
    einsums()
    images(24)
    moves(10)
    more_elementwise()
