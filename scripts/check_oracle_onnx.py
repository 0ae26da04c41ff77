#!/usr/bin/env python3
"""Exports public networks with nasc and compares onnxruntime with PyTorch.

    python3 scripts/check_oracle_onnx.py NASC NETWORKS.jsonl SOURCES [--filter TEXT] [--limit N]

NASC is the binary, NETWORKS.jsonl lists the networks, SOURCES is where `scripts/fetch-oracle.sh` put their packages.
Each network is built by PyTorch from the same source with random weights and running statistics, those that start
constant (norms, layer scales) included, so that a mistake shows. Its state dict goes through a safetensors file into
`nasc compile`, and the exported file runs in onnxruntime, with a batch of 1 and of 2. Cheap networks come first. Needs
torch, torchvision, safetensors, numpy, onnxruntime, and what the packages import (einops, huggingface_hub, pyyaml, munch,
requests).
"""

import argparse
import collections
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

import numpy as np
import onnxruntime
import safetensors.torch
import torch
import torchvision  # noqa: F401  once here, instead of in every child

# Largest difference of a result, relative to its largest element.
TOLERANCE = 1e-3


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("nasc")
    parser.add_argument("networks", type=Path)
    parser.add_argument("sources", type=Path)
    parser.add_argument("--filter", default="", help="only networks whose id holds this")
    parser.add_argument("--limit", type=int, default=1000, help="only so many, cheap ones first")
    parser.add_argument("--seconds", type=int, default=120, help="for one network")
    parser.add_argument("--option", action="append", default=[], help="one more argument for `nasc compile`")
    parser.add_argument("--report", type=Path, help="a file for one JSON object for each network")
    return parser.parse_args()


def read_networks(args):
    rows = [json.loads(line) for line in args.networks.read_text().splitlines()]
    rows = [row for row in rows if args.filter in row["id"]]
    return sorted(rows, key=lambda row: row["macs_aten_total"])[: args.limit]


def link_packages(sources, root):
    """One folder in which all packages lie side by side, for nasc's imports."""
    for package in sorted(sources.iterdir()):
        for part in package.iterdir():
            link = root / part.name
            if (part.is_dir() and (part / "__init__.py").exists() or part.suffix == ".py") and not link.exists():
                link.symlink_to(part)


def build(row):
    scope = {}
    exec(row["run"]["import"], scope)
    return eval(row["expr"], scope).eval()


def randomise(network):
    """Numbers for every parameter that starts constant, such as those of norms and layer scales."""
    with torch.no_grad():
        for tensor in network.parameters():
            if tensor.is_floating_point() and tensor.numel() > 0 and (tensor == tensor.flatten()[0]).all():
                tensor.add_(torch.empty_like(tensor).uniform_(-0.25, 0.25))


def calibrate(network, shape):
    """Running statistics near those of a batch, but not equal: any numbers would do for a comparison, but deep
    networks then amplify the rounding of every runtime until nothing can be compared."""
    norms = [module for module in network.modules() if isinstance(module, torch.nn.modules.batchnorm._BatchNorm)]
    norms = [module for module in norms if module.running_mean is not None]
    momenta = [module.momentum for module in norms]
    for module in norms:
        module.momentum = 1.0
        module.train()
    with torch.no_grad():
        network(torch.randn(2, *shape[1:]))
    for module, momentum in zip(norms, momenta):
        module.momentum = momentum
        module.eval()
        deviation = module.running_var.sqrt()
        module.running_mean.add_(0.2 * deviation * torch.randn_like(deviation))
        # the variance of a few numbers may be nearly nothing
        module.running_var.clamp_(min=float(module.running_var.mean()) / 10 + 1e-6)
        module.running_var.mul_(torch.empty_like(deviation).uniform_(0.7, 1.4))


def save(network, path):
    """The state dict; tensors that modules share are kept under their first name."""
    state, seen = {}, set()
    for name, tensor in network.state_dict().items():
        place = (tensor.data_ptr(), tensor.shape, tensor.stride())
        if tensor.numel() == 0 or place not in seen:
            state[name] = tensor.detach().clone().contiguous()
        seen.add(place)
    safetensors.torch.save_file(state, str(path))


def flatten(result):
    if isinstance(result, torch.Tensor):
        return [result]
    if isinstance(result, dict):
        result = result.values()
    return [tensor for part in result for tensor in flatten(part)]


def compile_network(args, row, folder, network):
    source, weights, model = (folder / name for name in ("oracle.py", "weights.safetensors", "model.onnx"))
    source.write_text(row["run"]["import"] + "\n")
    save(network, weights)
    sample = "x".join(map(str, row["input"][1:]))
    command = [args.nasc, "compile", str(source), "--entry", row["expr"], "--weights", str(weights), "--input", sample]
    done = subprocess.run([*command, "-o", str(model), *args.option], capture_output=True, text=True)
    if done.returncode != 0:
        return None, " ".join(done.stderr.split())[-400:]
    return model, ""


def compare(network, model, shape):
    """The largest difference of a result, relative to its largest element."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    worst = 0.0
    for batch in (1, 2):
        sample = torch.randn(batch, *shape[1:])
        with torch.no_grad():
            expected = flatten(network(sample))
        found = session.run(None, {session.get_inputs()[0].name: sample.numpy()})
        if [tuple(one.shape) for one in expected] != [one.shape for one in found]:
            raise ValueError(f"shapes {[one.shape for one in found]}, PyTorch {[tuple(one.shape) for one in expected]}")
        for ours, theirs in zip(found, expected):
            scale = max(float(theirs.abs().max()), 1e-30)
            difference = float(np.abs(ours - theirs.numpy()).max()) / scale
            worst = max(worst, difference if np.isfinite(difference) else float("inf"))
    return worst


def check(args, row, root):
    torch.manual_seed(0)
    torch.set_num_threads(1)
    network = build(row)
    randomise(network)
    calibrate(network, row["input"])
    model, reason = compile_network(args, row, root, network)
    if model is None:
        return {"verdict": "refused", "reason": reason}
    difference = compare(network, model, row["input"])
    if difference <= TOLERANCE:
        return {"verdict": "equal", "difference": difference}
    rounding = own_rounding(network, row["input"])
    # not a number, or infinite, where PyTorch's own results are
    verdict = "wrong" if rounding <= difference / 10 else "unstable"
    return {"verdict": verdict, "difference": difference, "rounding": rounding}


def own_rounding(network, shape):
    """The difference between PyTorch in 32 bits and PyTorch in 64 bits."""
    sample = torch.randn(2, *shape[1:])
    with torch.no_grad():
        short = flatten(network(sample))
        long = flatten(network.double()(sample.double()))
    pairs = zip(short, long)
    return max(float((one - two).abs().max() / two.abs().max()) for one, two in pairs)


def in_child(args, row, root):
    """The check in a process of its own: a crash or a hang is a verdict, too."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        signal.alarm(args.seconds)
        try:
            outcome = check(args, row, root)
        except Exception as error:
            outcome = {"verdict": "failed", "reason": f"{type(error).__name__}: {' '.join(str(error).split())[:400]}"}
            if args.filter:
                traceback.print_exc()
        os.write(writer, json.dumps(outcome).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        text = pipe.read()
    _, status = os.waitpid(child, 0)
    return json.loads(text) if text else {"verdict": "failed", "reason": f"ended by signal {status & 127}"}


def main():
    args = arguments()
    sys.path += [str(package) for package in sorted(args.sources.iterdir())]
    counts = collections.Counter()
    report = args.report.open("w") if args.report else None
    with tempfile.TemporaryDirectory() as name:
        link_packages(args.sources, Path(name))
        for row in read_networks(args):
            began = time.monotonic()
            outcome = in_child(args, row, Path(name))
            counts[outcome["verdict"]] += 1
            said = outcome.get("reason") or f"{outcome['difference']:.1e}"
            print(f"{outcome['verdict']:8} {time.monotonic() - began:5.1f}s {row['id']}: {said}", flush=True)
            if report:
                report.write(json.dumps({"id": row["id"], **outcome}) + "\n")
                report.flush()
    print(", ".join(f"{count} {verdict}" for verdict, count in counts.most_common()))
    return 1 if counts["wrong"] else 0


sys.exit(main())
