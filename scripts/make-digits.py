#!/usr/bin/env python3
"""Writes runtime/assets/digits.bin.zlib, the embedded data set, from the copy that scikit-learn ships.

Needs scikit-learn: `python3 scripts/make-digits.py`. Layout: docs/data.md, "Embedded digits".
"""
import pathlib
import struct
import zlib

from sklearn.datasets import load_digits

MAGIC = b"NASCDIG1"
SIDE = 8


def main() -> None:
    digits = load_digits()
    pixels = digits.images.astype("uint8")
    labels = digits.target.astype("uint8")
    assert (pixels == digits.images).all() and pixels.max() == 16
    assert pixels.shape == (1797, SIDE, SIDE)
    raw = MAGIC + struct.pack("<I", len(labels)) + labels.tobytes() + pixels.tobytes()
    packed = zlib.compress(raw, 9)
    path = pathlib.Path(__file__).resolve().parent.parent / "runtime" / "assets" / "digits.bin.zlib"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(packed)
    print(f"{path.name}: {len(labels)} images, {len(raw)} bytes, {len(packed)} packed")


main()
