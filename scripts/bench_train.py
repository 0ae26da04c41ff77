"""Training steps of nasc and of PyTorch, alternately in one run: batch 128, float32, random images.

    cargo build --release -p nasc-runtime --example step
    python3 scripts/bench_train.py target/release/examples/step [--threads 1]

PyTorch's figure is the better of eager and channels_last (torch.compile with --compile). Prints a
table of medians and ratios; a ratio above 1 means that nasc is faster. Needs torch.
"""

import importlib.util
import pathlib
import statistics
import subprocess
import sys
import time

import torch
import torch.nn.functional as F

ROOT = pathlib.Path(__file__).resolve().parent.parent
NETWORKS = {
    "A first network": "examples/first_net.py",
    "L LeNet-5": "examples/lenet.py",
    "B small CNN": "benches/networks/small_cnn.py",
    "C ResNet-20": "examples/resnet20.py",
    "D depthwise": "benches/networks/depthwise.py",
    "E cell, N = 1": "benches/networks/cell.py",
    "F small ViT": "benches/networks/vit.py",
}


def load(path):
    spec = importlib.util.spec_from_file_location("network", ROOT / path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    own = [value for value in vars(module).values() if getattr(value, "__module__", "") == "network"]
    for value in reversed(own):
        try:
            return value()
        except TypeError:
            continue
    raise SystemExit(f"{path}: nothing can be built without arguments")


def pytorch(path, steps, channels_last, compiled):
    torch.manual_seed(0)
    net = load(path).train()
    images, labels = torch.randn(128, 3, 32, 32), torch.arange(128) % 10
    if channels_last:
        net, images = net.to(memory_format=torch.channels_last), images.to(memory_format=torch.channels_last)
    run = torch.compile(net) if compiled else net
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    times = []
    for _ in range(steps + 2):
        began = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(run(images), labels).backward()
        optimizer.step()
        times.append(1e3 * (time.perf_counter() - began))
    return statistics.median(times[2:])


def nasc(binary, path, steps, threads):
    command = [binary, str(ROOT / path), "--steps", str(steps), "--threads", str(threads)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{path}: {done.stderr}")
    words = done.stdout.split()
    return float(words[3]), float(words[1])


def main():
    arguments = sys.argv[1:]
    threads = int(arguments[arguments.index("--threads") + 1]) if "--threads" in arguments else 1
    torch.set_num_threads(threads)
    print(f"PyTorch {torch.__version__}, {threads} thread(s), medians in ms")
    print("| network | nasc | first step | PyTorch | its mode | PyTorch / nasc |\n| --- | --- | --- | --- | --- | --- |")
    chosen = arguments[arguments.index("--only") + 1] if "--only" in arguments else ""
    for name, path in ((n, p) for n, p in NETWORKS.items() if not chosen or n[0] in chosen):
        ours, first, theirs = [], [], {}
        for _ in range(3):
            median, begin = nasc(arguments[0], path, 10, threads)
            ours.append(median)
            first.append(begin)
            modes = {"eager": (False, False), "channels_last": (True, False)}
            if "--compile" in arguments:
                modes["compiled"] = (True, True)
            for mode, (last, compiled) in modes.items():
                theirs.setdefault(mode, []).append(pytorch(path, 6, last, compiled))
        best = min(theirs, key=lambda mode: statistics.median(theirs[mode]))
        peer, own = statistics.median(theirs[best]), statistics.median(ours)
        print(f"| {name} | {own:.2f} | {statistics.median(first):.1f} | {peer:.2f} | {best} | {peer / own:.2f} |", flush=True)


if __name__ == "__main__":
    main()
