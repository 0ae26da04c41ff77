#!/usr/bin/env python3
"""Compiles networks to ONNX with random PyTorch weights and compares onnxruntime with PyTorch.

    python3 scripts/check_onnx.py NASC INPUT NET.py...

NASC is the binary, INPUT one sample such as 3x32x32. Prints, for each network, the largest absolute
difference of the outputs at batch sizes 1, 2 and 7. Needs torch, numpy and onnxruntime.
"""

import importlib.util
import json
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnxruntime
import torch


def save_safetensors(state, path):
    """Writes a state dict: a length, a JSON header, then the tensors' bytes."""
    header, blobs, offset = {}, [], 0
    for name, tensor in state.items():
        array = tensor.detach().numpy()
        kind = {"float32": "F32", "int64": "I64"}[str(array.dtype)]
        blob = np.ascontiguousarray(array).tobytes()
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [offset, offset + len(blob)]}
        offset += len(blob)
        blobs.append(blob)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def build(path):
    """The last class of a file that needs no arguments, or the function that makes it."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for value in reversed(list(vars(module).values())):
        if getattr(value, "__module__", None) != path.stem:
            continue
        try:
            network = value()
        except Exception:
            continue
        if isinstance(network, torch.nn.Module):
            return network.eval()
    raise SystemExit(f"{path}: no network")


def randomise(network):
    """Running statistics that matter."""
    for module in network.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm) and module.running_mean is not None:
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)


def check(nasc, sample, path, folder):
    torch.manual_seed(0)
    network = build(path)
    randomise(network)
    weights, model = folder / "weights.safetensors", folder / "model.onnx"
    save_safetensors(network.state_dict(), weights)
    command = [nasc, "compile", str(path), "--weights", str(weights), "--input", sample, "-o", str(model)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    session = onnxruntime.InferenceSession(str(model))
    worst = 0.0
    for batch in (1, 2, 7):
        images = torch.randn(batch, *map(int, sample.split("x")))
        with torch.no_grad():
            expected = network(images)
        (found,) = session.run(None, {session.get_inputs()[0].name: images.numpy()})
        worst = max(worst, float(np.abs(found - expected.numpy()).max()))
    return worst


def main():
    nasc, sample, *paths = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        for path in map(Path, paths):
            print(f"{path.name:24} {check(nasc, sample, path, Path(folder)):.2e}")


main()
