"""Writes the public names of torch, torch.nn, torch.nn.functional and Tensor beside this file.

nasc tells "PyTorch has no such name" from "nasc does not support it" with them. Run with torch 2.15.
"""

import pathlib
import textwrap

import torch

here = pathlib.Path(__file__).parent
SOURCES = {
    "torch": torch,
    "nn": torch.nn,
    "functional": torch.nn.functional,
    "tensor": torch.Tensor,
}
IMPORTED = {"Any", "Callable", "Optional", "TYPE_CHECKING", "Union", "math", "warnings", "torch", "np", "importlib"}
for name, source in SOURCES.items():
    names = sorted(n for n in dir(source) if not n.startswith("_") and n not in IMPORTED)
    (here / f"{name}.txt").write_text("\n".join(textwrap.wrap(" ".join(names), 98)) + "\n")
