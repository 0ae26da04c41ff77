#!/usr/bin/env python3
"""Reads a file of decoded images from nasc's cache directory, so that another framework can train on
exactly the same pixels: `python3 scripts/read_images.py FILE.images` prints what is in it; `load`
gives the arrays. Needs numpy. Layout: docs/data.md, "Cache of decoded images".
"""
import hashlib
import json
import struct
import sys

import numpy

MAGIC = b"NASCIMG\0"


def load(path):
    """Header, and per split labels [n] and images [n, channels, height, width] of unsigned bytes."""
    with open(path, "rb") as file:
        content = file.read()
    if content[:8] != MAGIC or hashlib.sha256(content[:-32]).digest() != content[-32:]:
        raise ValueError(f"{path} is not an intact file of decoded images")
    (header_length,) = struct.unpack_from("<I", content, 8)
    header = json.loads(content[12 : 12 + header_length])
    if header["version"] != 1:
        raise ValueError(f"{path} has version {header['version']}, this script reads 1")
    shape = (header["channels"], header["height"], header["width"])
    splits, offset = {}, 12 + header_length
    for name, count in zip(("train", "validation", "test"), header["images"]):
        labels = numpy.frombuffer(content, "<u4", count, offset)
        offset += labels.nbytes
        images = numpy.frombuffer(content, "u1", count * shape[0] * shape[1] * shape[2], offset)
        offset += images.nbytes
        splits[name] = (labels, images.reshape(count, *shape))
    return header, splits


if __name__ == "__main__":
    header, splits = load(sys.argv[1])
    print(header["class_names"])
    for name, (labels, images) in splits.items():
        if len(labels):
            channels = (images / header["pixel_max"]).mean(axis=(0, 2, 3))
            print(name, images.shape, "classes", numpy.bincount(labels).tolist(), "means", channels.round(4).tolist())
