"""Random inputs and safetensors files, shared by the generators in this folder.

A fixture is one .safetensors file of F64 and I64 tensors, row-major as NumPy and PyTorch write them, and of string
metadata. Every generator writes into tests/data/golden; with `--check` it compares with what is there instead, and fails
on a difference above 1e-11 of the tensor's largest value.
"""

import json
import pathlib
import struct
import sys

import numpy as np

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "data" / "golden"
TYPES = {"F64": np.float64, "I64": np.int64}


def write(path, tensors, metadata):
    """Tensors by name and string metadata by name; the bytes depend on nothing else (names are sorted)."""
    header, payload = {"__metadata__": dict(sorted(metadata.items()))}, []
    at = 0
    for name, value in sorted(tensors.items()):
        value = np.ascontiguousarray(value)
        code = next(code for code, kind in TYPES.items() if value.dtype == kind)
        header[name] = {"dtype": code, "shape": list(value.shape), "data_offsets": [at, at + value.nbytes]}
        payload.append(value.tobytes())
        at += value.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(payload))


def read(path):
    """The tensors and the metadata of a file that `write` wrote."""
    data = path.read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    metadata = header.pop("__metadata__")
    tensors = {}
    for name, entry in header.items():
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        tensors[name] = np.frombuffer(data[begin:end], TYPES[entry["dtype"]]).reshape(entry["shape"])
    return tensors, metadata


def save(name, tensors, **metadata):
    """Writes tests/data/golden/<name>.safetensors, or compares with it under `--check`. Scalars become shape (1)."""
    arrays = {}
    for key, value in tensors.items():
        value = value.detach().numpy() if hasattr(value, "detach") else np.asarray(value)
        value = np.atleast_1d(value)
        arrays[key] = value.astype(np.int64 if value.dtype.kind in "bi" else np.float64)
        assert np.isfinite(arrays[key]).all(), f"{name}: {key} is not finite"
    metadata = {key: str(value) for key, value in metadata.items()}
    path = FOLDER / f"{name}.safetensors"
    if "--check" not in sys.argv:
        FOLDER.mkdir(parents=True, exist_ok=True)
        write(path, arrays, metadata)
        return
    stored, _ = read(path)
    assert stored.keys() == arrays.keys(), f"{name}: other tensors are stored: {stored.keys() ^ arrays.keys()}"
    for key, value in arrays.items():
        scale = max(np.abs(value).max(initial=0), 1e-300)
        assert np.abs(stored[key] - value).max(initial=0) <= 1e-11 * scale, f"{name}: {key} differs from what is stored"


class Random:
    """Distinct values for every fixture, from its own seed: equal or constant weights would hide swapped gates."""

    def __init__(self, seed):
        self.generator = np.random.Generator(np.random.PCG64(seed))

    def normal(self, *shape, scale=1.0):
        return scale * self.generator.standard_normal(shape)

    def integers(self, low, high, *shape):
        return self.generator.integers(low, high, shape)
