"""Networks as unroll keeps them in safetensors: layers, tensors in PyTorch's layout, a test vector. Needs numpy.

A network here is {"layers": [...], "skip": bool, ...} as in the metadata "unroll.network", but with arrays where that has
names of tensors. include/unroll/format/network_file.hpp says what the entries are.
"""

import json
import pathlib
import struct

import numpy as np

TYPES = {"F64": np.dtype("<f8"), "F32": np.dtype("<f4"), "F16": np.dtype("<f2"), "I64": np.dtype("<i8"), "I32": np.dtype("<i4")}
# What the library knows, in its own words (tests/kind/write_schema.cpp): tensors in the order in which a model visits
# them, on which the fingerprint depends.
KINDS = json.loads(pathlib.Path(__file__).with_name("kinds.json").read_text())
GATES = {name: kind["gates"] for name, kind in KINDS.items() if "gates" in kind}
ACTIVATIONS = [name for name, kind in KINDS.items() if kind.get("any_width")]
LEAVES = {leaf for kind in KINDS.values() for leaf in kind["tensors"]}
TEST_STEPS = 32
TEST_TOLERANCE = 1e-4  # of the largest output, as in C++
ABOUT_KEY = "unroll.about"


class NetworkError(ValueError):
    """A file that cannot be used, or a network that a format cannot hold."""


def require(holds, message):
    if not holds:
        raise NetworkError(message)


def read_safetensors(path):
    """Arrays by name (bfloat16 widened to float32), and the metadata."""
    data = pathlib.Path(path).read_bytes()
    require(len(data) >= 8, f"{path}: not safetensors")
    (length,) = struct.unpack_from("<Q", data)
    require(length <= len(data) - 8, f"{path}: not safetensors, or cut short")
    header = json.loads(data[8 : 8 + length])
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        if entry["dtype"] == "BF16":
            upper = np.frombuffer(data[begin:end], "<u2").astype("<u4") << 16
            value = upper.view("<f4")
        else:
            require(entry["dtype"] in TYPES, f"{path}: tensor {name}: {entry['dtype']}, expected one of {[*TYPES, 'BF16']}")
            value = np.frombuffer(data[begin:end], TYPES[entry["dtype"]])
        tensors[name] = value.reshape(entry["shape"])
    return tensors, metadata


def write_safetensors(path, tensors, metadata):
    header, payload, at = {"__metadata__": metadata}, [], 0
    for name, value in sorted(tensors.items(), key=lambda item: -item[1].itemsize):
        value = np.ascontiguousarray(value)
        code = next(code for code, kind in TYPES.items() if value.dtype == kind)
        header[name] = {"dtype": code, "shape": list(value.shape), "data_offsets": [at, at + value.nbytes]}
        payload.append(value.tobytes())
        at += value.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    pathlib.Path(path).write_bytes(struct.pack("<Q", len(text)) + text + b"".join(payload))


def parts(layer):
    """The recurrent layers in it, with the ending of their tensors' names."""
    if layer["type"] == "bidirectional":
        return [(layer["ahead"], "_l0"), (layer["back"], "_l0_reverse")]
    return [(layer, "_l0")] if layer["type"] in GATES else []


def check(network):
    """Shapes that fit each other; the number of values that go in and come out."""
    inputs = values = None
    ended = False
    for k, layer in enumerate(network["layers"]):
        kind, where = layer["type"], f"layer {k} ({layer['type']})"
        takes = None
        if parts(layer):
            require(not ended, f"{where}: nothing recurrent can follow a final state")
            for part, _ in parts(layer):
                require("weight_hr" not in part, f"{where}: these tools compute no projections: see split_projections")
                require("weight_hh" in part, f"{where}: these tools compute no cells without weight_hh")
                gates, units = GATES[part["type"]], part["weight_hh"].shape[1]
                takes = part["weight_ih"].shape[1]
                require(part["weight_hh"].shape == (gates * units, units), f"{where}: weight_hh is {part['weight_hh'].shape}")
                require(part["weight_ih"].shape[0] == gates * units, f"{where}: weight_ih is {part['weight_ih'].shape}")
                for bias in ("bias_ih", "bias_hh"):
                    require(bias not in part or part[bias].shape == (gates * units,), f"{where}: {bias} has another length")
            gives = units * (2 if layer.get("merge") == "concat" else 1)
            ended = layer.get("final_state", False)
        elif kind == "dense":
            gives, takes = layer["weight"].shape
        elif kind in ("layer_norm", "prelu"):
            gives = takes = len(layer["slope" if kind == "prelu" else "weight"])
        elif kind == "embedding":
            require(k == 0, f"{where}: an embedding is not the first layer")
            gives = layer["weight"].shape[1]
        else:
            require(kind in ACTIVATIONS and k > 0, f"{where}: not a layer that can stand there")
            gives = values
        if k == 0:
            inputs = takes or 1
        else:
            require(takes in (None, values), f"{where}: it takes {takes} values, the layer before gives {values}")
        values = gives
    require(network["layers"], "a network without layers")
    return inputs, values


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def run_recurrent(w, x, reverse, final_state):
    h = np.asarray(w.get("initial_h", np.zeros(w["weight_hh"].shape[1])), float)
    c = np.asarray(w.get("initial_c", np.zeros_like(h)), float)
    weight_hh, bias = w["weight_hh"].astype(float), w.get("bias_hh", np.zeros(len(w["weight_hh"]))).astype(float)
    a = x @ w["weight_ih"].astype(float).T + w.get("bias_ih", 0)
    y = np.zeros((len(x), len(h)))
    for t in reversed(range(len(x))) if reverse else range(len(x)):
        gates = np.split(a[t], GATES[w["type"]])
        if w["type"] == "gru_reset_before":
            ur, uz, un = np.split(weight_hh, 3)
            br, bz, bn = np.split(bias, 3)
            r, z = sigmoid(gates[0] + ur @ h + br), sigmoid(gates[1] + uz @ h + bz)
            n = np.tanh(gates[2] + un @ (r * h) + bn)
            h = n + z * (h - n)
        else:
            u = np.split(weight_hh @ h + bias, GATES[w["type"]])
            if w["type"] in ("lstm", "peephole_lstm"):
                p = w.get("weight_unit", np.zeros((len(h), 3))).astype(float).T
                i, f = (sigmoid(gates[k] + u[k] + p[k] * c) for k in (0, 1))
                c = f * c + i * np.tanh(gates[2] + u[2])
                h = sigmoid(gates[3] + u[3] + p[2] * c) * np.tanh(c)
            elif w["type"] == "gru":
                r, z = sigmoid(gates[0] + u[0]), sigmoid(gates[1] + u[1])
                n = np.tanh(gates[2] + r * u[2])
                h = n + z * (h - n)
            else:
                require(w["type"] in ("rnn_tanh", "rnn_relu"), f"{w['type']}: not a cell that these tools compute")
                h = np.tanh(gates[0] + u[0]) if w["type"] == "rnn_tanh" else np.maximum(gates[0] + u[0], 0)
        y[t] = h
    return h[None] if final_state else y


def activation(layer, x):
    kind = layer["type"]
    if kind == "softmax":
        e = np.exp(x - x.max(axis=-1, keepdims=True))
        return e / e.sum(axis=-1, keepdims=True)
    if kind == "elu":
        return np.where(x > 0, x, layer["alpha"] * np.expm1(np.minimum(x, 0)))
    if kind == "prelu":
        return np.where(x > 0, x, layer["slope"] * x)
    return {"tanh": np.tanh, "relu": lambda v: np.maximum(v, 0), "sigmoid": sigmoid}[kind](x)


def run_layers(network, x):
    """The layers alone, in float64: (steps, values) or token ids to (steps, values), (1, values) with a final state."""
    for layer in network["layers"]:
        final = layer.get("final_state", False)
        if layer["type"] == "embedding":
            x = layer["weight"][x].astype(float)
        elif layer["type"] == "bidirectional":
            a, b = (run_recurrent(part, x, part is layer["back"], final) for part in (layer["ahead"], layer["back"]))
            merge = {"concat": lambda: np.concatenate([a, b], axis=1), "sum": lambda: a + b}
            merge |= {"average": lambda: (a + b) / 2, "product": lambda: a * b}
            x = merge[layer["merge"]]()
        elif layer["type"] in GATES:
            x = run_recurrent(layer, x, layer.get("reverse", False), final)
        elif layer["type"] == "dense":
            x = x @ layer["weight"].astype(float).T + layer.get("bias", 0)
        elif layer["type"] == "layer_norm":
            z = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + layer["epsilon"])
            x = z * layer["weight"] + layer.get("bias", 0)
        else:
            x = activation(layer, x)
    return x


def fingerprint(named):
    """FNV-1a of names and shapes, as unroll's `load_model` checks it."""
    value = 0xCBF29CE484222325
    for name, array in named:
        for byte in f"{name}({', '.join(map(str, array.shape))})\n".encode():
            value = (value ^ byte) * 0x100000001B3 % 2**64
    return f"{value:016x}"


def test_vector(network):
    """What the layers give for 32 steps of random input, as metadata: whoever loads it runs it again."""
    inputs, _ = check(network)
    random = np.random.Generator(np.random.PCG64(1))
    first = network["layers"][0]
    if first["type"] == "embedding":
        x = random.integers(min(1, len(first["weight"]) - 1), len(first["weight"]), TEST_STEPS)
        made = {"unroll.test_tokens": json.dumps(x.tolist())}
    else:
        x = random.uniform(-1, 1, (TEST_STEPS, inputs))
        made = {"unroll.test_values": json.dumps(x.ravel().tolist())}
    return made | {"unroll.test_steps": str(TEST_STEPS), "unroll.test_output": json.dumps(run_layers(network, x).ravel().tolist())}


def check_test_vector(network, metadata, path):
    """Refuses a network that does not give the test vector in the metadata, if there is one."""
    inputs, _ = check(network)
    if "unroll.test_tokens" in metadata:
        x = np.array(json.loads(metadata["unroll.test_tokens"]), int)
    elif "unroll.test_values" in metadata:
        x = np.array(json.loads(metadata["unroll.test_values"]), float).reshape(-1, inputs)
    else:
        return
    expected = np.array(json.loads(metadata["unroll.test_output"]), float)
    got = run_layers(network, x).ravel()
    fits = got.shape == expected.shape and np.abs(got - expected).max() <= TEST_TOLERANCE * np.abs(expected).max()
    require(fits, f"{path}: the network does not give its test vector")


def about(network):
    """What describes the network and no layer needs, as one text for the metadata of any format."""
    said = {key: network[key] for key in ("sample_rate", "loudness", "metadata") if key in network}
    return {ABOUT_KEY: json.dumps(said)} if said else {}


def add_about(network, metadata):
    network |= json.loads(metadata.get(ABOUT_KEY, "{}"))


def save(path, network):
    """Writes a network as unroll reads it, `load_network` and `load_model`, with a test vector of 32 steps."""
    tensors, named, zeros, layers = {}, [], [], []

    def store(entry, leaf, name, value):
        value = np.asarray(value)
        require(np.isfinite(value).all(), f"tensor {name} has an element that is not a finite number")
        tensors[name] = value.astype(np.float64 if value.dtype == np.float64 else np.float32)
        named.append((name, value))
        entry[leaf] = name

    for k, layer in enumerate(network["layers"]):
        entry = {key: value for key, value in layer.items() if not isinstance(value, (np.ndarray, dict))}
        for part, ending in parts(layer):
            into = entry
            if layer["type"] == "bidirectional":
                into = entry["back" if ending.endswith("reverse") else "ahead"] = {"type": part["type"]}
            for leaf in KINDS[part["type"]]["tensors"]:
                if leaf in part:
                    store(into, leaf, f"{k}.{leaf}{ending}", part[leaf])
            if "bias_ih" in part and "bias_hh" not in part:
                zeros.append(f"{k}.bias_hh{ending}")
                tensors[zeros[-1]] = np.zeros_like(tensors[f"{k}.bias_ih{ending}"])
        if not parts(layer):
            for leaf, form in KINDS[layer["type"]]["tensors"].items():
                if leaf in layer:
                    store(entry, leaf, f"{k}.{form.get('stored', leaf)}", layer[leaf])
        layers.append(entry)

    description = {key: value for key, value in network.items() if key != "layers"} | {"layers": layers}
    metadata = {"format": "pt", "unroll.format": "1", "unroll.version": "0.1.0", "unroll.network": json.dumps(description)}
    metadata["unroll.fingerprint"] = fingerprint(named)
    if zeros:
        metadata["unroll.zero_tensors"] = json.dumps(zeros)
    metadata |= test_vector(network)
    write_safetensors(path, tensors, metadata)


def load(path):
    """The network that unroll or `save` wrote; its test vector is run."""
    tensors, metadata = read_safetensors(path)
    require("unroll.network" in metadata, f"{path}: no metadata 'unroll.network': nothing says what network the tensors are of")
    network = json.loads(metadata["unroll.network"])
    used = set(json.loads(metadata.get("unroll.zero_tensors", "[]")))

    def fill(entry):
        for leaf, name in list(entry.items()):
            if isinstance(name, dict):
                fill(name)
            elif leaf in LEAVES:
                require(name in tensors, f"{path}: no tensor {name}")
                used.add(name)
                entry[leaf] = tensors[name]

    for layer in network["layers"]:
        fill(layer)
    require(used >= tensors.keys(), f"{path}: nothing has a place for the tensors {sorted(tensors.keys() - used)}")
    check_test_vector(network, metadata, path)
    return network


def total_bias(w):
    """b + b_h of a cell that sees only their sum."""
    return w["bias_ih"] + w.get("bias_hh", 0)


def swap_first_gates(array):
    """GRU gates r z n as z r n along the first axis, and back."""
    r, z, n = np.split(array, 3)
    return np.concatenate([z, r, n])
