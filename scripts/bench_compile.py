"""Times executables of `nasc compile --emit exe` beside onnxruntime with one thread.

    python scripts/bench_compile.py target/release/nasc

Batch 1, both in this process' turn: five rounds of 100 runs each, alternating; the median of the best
round counts. Needs torch, numpy and onnxruntime; networks are those of examples/ with drawn weights.
"""

import json
import os
import struct
import subprocess
import sys
import tempfile
import time
import zlib

import numpy as np
import onnxruntime
import torch

NETWORKS = [
    ("first_net", "Net()"),
    ("lenet", "LeNet()"),
    ("resnet20", "resnet20()"),
    ("mobilenet", "MobileNet()"),
    ("vgg11", "VGG11()"),
    ("mixer", "Mixer()"),
]


def save(state, path):
    """A state dict as safetensors."""
    header, blocks, offset = {}, [], 0
    for name, tensor in state.items():
        array = tensor.contiguous().numpy()
        kind = {"float32": "F32", "int64": "I64"}[str(array.dtype)]
        end = offset + array.nbytes
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [offset, end]}
        blocks.append(array.tobytes())
        offset = end
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(blocks))


def png(path):
    """A grey image."""
    def chunk(kind, body):
        data = kind + body
        return struct.pack(">I", len(body)) + data + struct.pack(">I", zlib.crc32(data))

    rows = b"".join(b"\0" + bytes(range(y, y + 32)) for y in range(32))
    header = struct.pack(">IIBBBBB", 32, 32, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in chunks))


def executable_time(program, image):
    text = subprocess.run([program, "--bench", "100", image], capture_output=True, text=True, check=True)
    return float(text.stdout.split()[0])


def onnx_time(session, sample):
    times = []
    for _ in range(100):
        begin = time.perf_counter()
        session.run(None, sample)
        times.append(time.perf_counter() - begin)
    return 1e6 * float(np.median(times))


def measure(nasc, folder, name, entry):
    path = os.path.join(os.path.dirname(__file__), "..", "examples", name + ".py")
    names = {"__name__": "net"}
    with open(path) as file:
        exec(file.read(), names)
    torch.manual_seed(0)
    weights = os.path.join(folder, name + ".safetensors")
    save(eval(entry, names).state_dict(), weights)
    outs = {form: os.path.join(folder, f"{name}.{form}") for form in ("exe", "onnx")}
    for form, out in outs.items():
        command = [nasc, "compile", path, "--entry", entry, "--weights", weights, "--emit", form, "-o", out]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(outs["onnx"], options, providers=["CPUExecutionProvider"])
    sample = {session.get_inputs()[0].name: np.random.randn(1, 3, 32, 32).astype(np.float32)}
    image = os.path.join(folder, "image.png")
    png(image)
    rounds = [(executable_time(outs["exe"], image), onnx_time(session, sample)) for _ in range(5)]
    return min(r[0] for r in rounds), min(r[1] for r in rounds)


def main():
    nasc = os.path.abspath(sys.argv[1])
    print("| network | executable, µs | onnxruntime, µs | ratio |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name, entry in NETWORKS:
            own, other = measure(nasc, folder, name, entry)
            print(f"| {name} | {own:.1f} | {other:.1f} | {other / own:.2f} |", flush=True)


if __name__ == "__main__":
    main()
