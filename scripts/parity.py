#!/usr/bin/env python3
"""Replays a recorded nasc training run in PyTorch and prints both loss curves side by side.

    cargo run --release -p nasc-runtime --example parity -- NET.py DATA FOLDER --epochs 10
    python3 scripts/parity.py NET.py FOLDER

The first command writes to FOLDER what the run started from and what it saw: `parity.json`
(shape, batch size, learning rate, momentum, epochs), `images.u8` and `labels.u8` (the training
split as nasc decoded it), `order.u32` (image indices, epoch after epoch), `initial.safetensors`
and `losses.json` (mean training loss and seconds of every epoch, loss of every step). The second
starts PyTorch from the same weights, feeds it the same batches, and reports the largest relative
difference and the ratio of times. Needs torch and numpy.
"""

import importlib.util
import json
import statistics
import struct
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

SAFETENSORS_DTYPES = {"F32": np.float32, "I64": np.int64}


def load_safetensors(path):
    """Reads a safetensors file: a length, a JSON header, then the tensors' bytes."""
    raw = path.read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8 : 8 + length])
    state = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        start, end = entry["data_offsets"]
        data = np.frombuffer(raw[8 + length + start : 8 + length + end], SAFETENSORS_DTYPES[entry["dtype"]])
        state[name] = torch.from_numpy(data.reshape(entry["shape"]).copy())
    return state


def load_network(path):
    """Imports NET.py and builds the last class in it that derives from nn.Module."""
    spec = importlib.util.spec_from_file_location("network", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    classes = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, torch.nn.Module) and value.__module__ == "network"
    ]
    return classes[-1]()


def main():
    network_path, folder = Path(sys.argv[1]), Path(sys.argv[2])
    settings = json.loads((folder / "parity.json").read_text())
    recorded = json.loads((folder / "losses.json").read_text())
    torch.set_num_threads(settings["threads"])
    channels, height, width = settings["shape"]
    images = np.fromfile(folder / "images.u8", np.uint8).reshape(-1, channels, height, width)
    labels = np.fromfile(folder / "labels.u8", np.uint8).astype(np.int64)
    order = np.fromfile(folder / "order.u32", np.uint32).reshape(settings["epochs"], len(images))
    images = torch.from_numpy((images.astype(np.float32) / settings["pixel_scale"] - settings["mean"]) / settings["deviation"])
    labels = torch.from_numpy(labels)

    network = load_network(network_path)
    network.load_state_dict(load_safetensors(folder / "initial.safetensors"))
    network.train()
    optimizer = torch.optim.SGD(
        network.parameters(), lr=settings["learning_rate"], momentum=settings["momentum"]
    )
    batch = settings["batch_size"]
    print("epoch   nasc loss  torch loss  relative difference   nasc s  torch s  torch/nasc")
    step_differences, epoch_differences, ratios, step = [], [], [], 0
    for epoch in range(settings["epochs"]):
        began, total = time.perf_counter(), 0.0
        indices = torch.from_numpy(order[epoch].astype(np.int64))
        step_losses = []
        for first in range(0, len(indices), batch):
            chosen = indices[first : first + batch]
            optimizer.zero_grad()
            loss = F.cross_entropy(network(images[chosen]), labels[chosen])
            loss.backward()
            optimizer.step()
            step_losses.append(loss.item())
            total += step_losses[-1] * len(chosen)
        seconds = time.perf_counter() - began
        ours, theirs = recorded["epochs"][epoch]["loss"], total / len(indices)
        for value in step_losses:
            if step < len(recorded["steps"]):
                step_differences.append(abs(recorded["steps"][step] - value) / abs(value))
            step += 1
        epoch_differences.append(abs(ours - theirs) / theirs)
        ratios.append(seconds / recorded["epochs"][epoch]["seconds"])
        print(
            f"{epoch + 1:5}  {ours:10.6f}  {theirs:10.6f}  {epoch_differences[-1]:19.2e}  "
            f"{recorded['epochs'][epoch]['seconds']:7.2f}  {seconds:7.2f}  {ratios[-1]:10.2f}"
        )
    print(f"largest relative difference of an epoch's loss: {max(epoch_differences):.2e}")
    if step_differences:
        print(f"largest relative difference in the first 200 steps: {max(step_differences[:200]):.2e}")
    print(f"median ratio of epoch times, torch / nasc: {statistics.median(ratios):.2f} ({settings['threads']} threads)")


if __name__ == "__main__":
    main()
