"""Runs a model: raw inputs from the standard input, results as raw floats to the standard output."""

import json
import os
import struct
import sys

import numpy

form, path, entry, kind, extents = sys.argv[1:]
shape = [-1] + [int(extent) for extent in extents.split(",")]
inputs = numpy.frombuffer(sys.stdin.buffer.read(), kind).reshape(shape)


def weights(path):
    """A safetensors file as a state dict."""
    import torch

    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        body = file.read()
    header.pop("__metadata__", None)
    kinds = {"F32": "float32", "I64": "int64"}
    state = {}
    for name, tensor in header.items():
        begin, end = tensor["data_offsets"]
        array = numpy.frombuffer(body[begin:end], kinds[tensor["dtype"]])
        state[name] = torch.from_numpy(array.copy()).reshape(tensor["shape"])
    return state


def onnx_runtime():
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda batch: session.run(None, {name: batch})[0]


def pytorch():
    import torch

    program = os.path.join(path, "net.py")
    names = {"__name__": "net", "__file__": program}
    with open(program) as file:
        exec(compile(file.read(), program, "exec"), names)
    model = eval(entry, names)
    model.load_state_dict(weights(os.path.join(path, "weights.safetensors")), strict=True)
    model.eval()

    def run(batch):
        with torch.no_grad():
            return model(torch.from_numpy(batch.copy())).numpy()

    return run


run = onnx_runtime() if form == "onnx" else pytorch()
# batches of the size that the expected results were computed with
for start in range(0, len(inputs), 50):
    batch = run(inputs[start : start + 50])
    sys.stdout.buffer.write(numpy.ascontiguousarray(batch, numpy.float32).tobytes())
