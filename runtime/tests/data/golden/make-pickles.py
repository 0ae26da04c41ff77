#!/usr/bin/env python3
"""Writes the pickles beside it: CIFAR batches of three images as Python 2 wrote the official archive
(instruction by instruction, since Python 3 encodes its own texts) and as numpy under Python 3 writes
them, the class names, and one pickle that calls a function. Needs numpy.

Pixel j of image i is (7 i + j) mod 251; the labels are 3, 0, 9 (fine labels 3, 0, 99).
"""
import os
import pathlib
import pickle
import struct

import numpy

HERE = pathlib.Path(__file__).resolve().parent
IMAGES = 3
PIXELS = 3072
PIXEL_BYTES = bytes((7 * image + pixel) % 251 for image in range(IMAGES) for pixel in range(PIXELS))


class Python2:
    """The instructions that Python 2's cPickle emits under protocol 2."""

    def __init__(self):
        self.out = bytearray(b"\x80\x02")
        self.memo = 0

    def put(self):
        self.memo += 1
        self.out += b"q" + bytes([self.memo])

    def text(self, value):
        if len(value) < 256:
            self.out += b"U" + bytes([len(value)]) + value
        else:
            self.out += b"T" + struct.pack("<i", len(value)) + value
        self.put()

    def integer(self, value):
        self.out += b"K" + bytes([value]) if value < 256 else b"M" + struct.pack("<H", value)

    def list(self, items, write):
        self.out += b"]"
        self.put()
        self.out += b"("
        for item in items:
            write(item)
        self.out += b"e"

    def name(self, module, name):
        self.out += b"c" + module + b"\n" + name + b"\n"
        self.put()

    def array(self, count, content):
        self.name(b"numpy.core.multiarray", b"_reconstruct")
        self.name(b"numpy", b"ndarray")
        self.out += b"K\x00\x85"
        self.put()
        self.text(b"b")
        self.out += b"\x87"
        self.put()
        self.out += b"R"
        self.put()
        self.out += b"(K\x01"
        self.integer(count)
        self.integer(PIXELS)
        self.out += b"\x86"
        self.put()
        self.name(b"numpy", b"dtype")
        self.text(b"u1")
        self.out += b"K\x00K\x01\x87"
        self.put()
        self.out += b"R"
        self.put()
        self.out += b"(K\x03"
        self.text(b"|")
        self.out += b"NNN" + b"J\xff\xff\xff\xff" * 2 + b"K\x00t"
        self.put()
        self.out += b"b\x89"
        self.text(content)
        self.out += b"t"
        self.put()
        self.out += b"b"

    def begin(self):
        self.out += b"}"
        self.put()
        self.out += b"("

    def end(self):
        self.out += b"u."
        return bytes(self.out)


def python2_batch(label_key, labels, content=PIXEL_BYTES):
    machine = Python2()
    machine.begin()
    machine.text(b"batch_label")
    machine.text(b"training batch 1 of 5")
    machine.text(label_key)
    machine.list(labels, machine.integer)
    machine.text(b"data")
    machine.array(len(labels), content)
    machine.text(b"filenames")
    machine.list([b"image_%d.png" % image for image in range(len(labels))], machine.text)
    return machine.end()


def python2_names(key, names):
    machine = Python2()
    machine.begin()
    machine.text(b"num_cases_per_batch")
    machine.integer(10000)
    machine.text(key)
    machine.list(names, machine.text)
    return machine.end()


def python3_batch(array, protocol):
    return pickle.dumps({b"labels": [3, 0, 9], b"data": array}, protocol=protocol)


class Dangerous:
    def __reduce__(self):
        return os.system, ("echo executed",)


CIFAR10 = [b"airplane", b"automobile", b"bird", b"cat", b"deer", b"dog", b"frog", b"horse", b"ship", b"truck"]


def main():
    array = numpy.frombuffer(PIXEL_BYTES, dtype="uint8").reshape(IMAGES, PIXELS)
    files = {
        "python2-batch": python2_batch(b"labels", [3, 0, 9]),
        "python2-fine-batch": python2_batch(b"fine_labels", [3, 0, 99]),
        "python2-names": python2_names(b"label_names", CIFAR10),
        "python3-batch": python3_batch(array, 4),
        "python3-protocol3-batch": python3_batch(array, 3),
        "float-batch": python3_batch(array[:, :8].astype("float32"), 4),
        "fortran-batch": python3_batch(numpy.asfortranarray(array), 4),
        # What `posix` is called differs between systems, so that the name is fixed here.
        "os-system": pickle.dumps({"data": Dangerous()}, protocol=2).replace(b"cposix\n", b"cos\n"),
    }
    for name, content in files.items():
        (HERE / f"{name}.pickle").write_bytes(content)
        pickle.loads(content, encoding="bytes") if "os" not in name else None
        print(name, len(content))


main()
