"""Keras 3 to unroll and back: python keras_convert.py FROM TO. Needs numpy and h5py, not keras.

FROM or TO is a .keras file, or a .weights.h5 file together with --config, the JSON of `model.to_json()`; the other is
safetensors. Layers: Embedding, SimpleRNN, LSTM, GRU (both forms), Bidirectional, Dense, TimeDistributed(Dense), the
activations tanh, relu, sigmoid, softmax, elu, PReLU; Dropout is left out. Everything else is refused.

An Embedding with mask_zero skips the id 0; so does unroll, where padding is never packed. Feed no 0 to the converted one.
"""

import argparse
import io
import json
import pathlib
import re
import zipfile

import h5py
import numpy as np

from network import GATES, NetworkError, about, add_about, check, check_test_vector, load, require, save, swap_first_gates, test_vector, total_bias

MERGES = {"concat": "concat", "sum": "sum", "ave": "average", "mul": "product"}
RECURRENT = {"SimpleRNN", "LSTM", "GRU"}
TEST_KEY = "unroll_test"  # beside the model in its JSON, where Keras does not look


def snake(name):
    """As Keras calls the groups of a class: LSTM lstm, SimpleRNN simple_rnn, PReLU p_re_lu."""
    name = re.sub(r"\W+", "", name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def group_names(classes):
    """layers/lstm, layers/lstm_1, ..: counted by class, whatever the layers are called."""
    counts, names = {}, []
    for name in map(snake, classes):
        k = counts.get(name, 0)
        counts[name] = k + 1
        names.append(f"layers/{name}_{k}" if k else f"layers/{name}")
    return names


# From Keras.


def name_of(function):
    """An activation's name; one that carries options of its own has no name."""
    return function if isinstance(function, str) else json.dumps(function)


class Weights:
    """The variables of the h5 file, each of which must be asked for."""

    def __init__(self, file):
        self.arrays = {}
        file.visititems(lambda name, item: self.arrays.update({name: item[()]} if isinstance(item, h5py.Dataset) else {}))
        self.arrays = {name: value for name, value in self.arrays.items() if "/vars/" in name and not name.startswith(("optimizer", "_"))}

    def take(self, group, count, where):
        names = [f"{group}/vars/{k}" for k in range(count)]
        for name in names:
            require(name in self.arrays, f"{where}: no variable {name}")
        return [self.arrays.pop(name) for name in names]


def recurrent_from_keras(kind, config, group, weights, where):
    require(config.get("recurrent_activation", "sigmoid") == "sigmoid", f"{where}: recurrent_activation {config.get('recurrent_activation')}, expected sigmoid")
    function = name_of(config.get("activation", "tanh"))
    allowed = {"tanh": "rnn_tanh", "relu": "rnn_relu"} if kind == "SimpleRNN" else {"tanh": kind.lower()}
    require(function in allowed, f"{where}: activation {function}, expected {' or '.join(allowed)}")
    require(not config.get("return_state"), f"{where}: return_state, expected an output alone")
    has_bias = config.get("use_bias", True)
    arrays = weights.take(f"{group}/cell", 3 if has_bias else 2, where)
    kernel, recurrent = arrays[0].T, arrays[1].T
    w = {"type": allowed[function]}
    order = swap_first_gates if kind == "GRU" else lambda array: array
    after = kind == "GRU" and config.get("reset_after", True)
    if kind == "GRU" and not after:
        w["type"] = "gru_reset_before"
    w["weight_ih"], w["weight_hh"] = order(kernel), order(recurrent)
    if has_bias:
        require(arrays[2].ndim == (2 if after else 1), f"{where}: its bias is {arrays[2].shape}, which is the other GRU's")
        if after:
            w["bias_ih"], w["bias_hh"] = order(arrays[2][0]), order(arrays[2][1])
        else:
            w["bias_ih"] = order(arrays[2])
    return w


def function_layer(name, where):
    if name == "linear":
        return []
    require(name in ("tanh", "relu", "sigmoid", "softmax", "elu"), f"{where}: activation {name}, expected tanh, relu, sigmoid, softmax or elu")
    return [{"type": name, "alpha": 1.0} if name == "elu" else {"type": name}]


def layers_from_keras(kind, config, group, weights, where):
    if kind in ("InputLayer", "Dropout", "SpatialDropout1D"):
        return []
    if kind == "Embedding":
        return [{"type": "embedding", "weight": weights.take(group, 1, where)[0]}]
    if kind == "TimeDistributed":
        inner = config["layer"]
        require(inner["class_name"] == "Dense", f"{where}: of {inner['class_name']}, expected of Dense")
        return layers_from_keras("Dense", inner["config"], f"{group}/layer", weights, where)
    if kind == "Dense":
        arrays = weights.take(group, 2 if config.get("use_bias", True) else 1, where)
        layer = {"type": "dense", "weight": arrays[0].T} | ({"bias": arrays[1]} if len(arrays) > 1 else {})
        return [layer] + function_layer(name_of(config.get("activation", "linear")), where)
    if kind == "Activation":
        return function_layer(name_of(config["activation"]), where)
    if kind == "ReLU":
        require(not config.get("max_value") and not config.get("negative_slope") and not config.get("threshold"), f"{where}: with options")
        return [{"type": "relu"}]
    if kind == "Softmax":
        require(config.get("axis", -1) in (-1, [-1]), f"{where}: axis {config['axis']}, expected -1")
        return [{"type": "softmax"}]
    if kind == "ELU":
        return [{"type": "elu", "alpha": float(config.get("alpha", 1.0))}]
    if kind == "PReLU":
        slope = weights.take(group, 1, where)[0]
        require(slope.ndim == 1 or slope.shape[:-1] == (1,) * (slope.ndim - 1), f"{where}: slopes {slope.shape}, expected the same at every step (shared_axes=[1])")
        return [{"type": "prelu", "slope": slope.ravel()}]
    if kind == "Bidirectional":
        ahead, back = config["layer"], config.get("backward_layer") or config["layer"]
        require(ahead["class_name"] in RECURRENT and back["class_name"] == ahead["class_name"], f"{where}: of {ahead['class_name']}, expected of SimpleRNN, LSTM or GRU")
        require(config.get("merge_mode") in MERGES, f"{where}: merge_mode {config.get('merge_mode')}, expected one of {list(MERGES)}")
        require(not ahead["config"].get("go_backwards"), f"{where}: its forward layer goes backwards")
        layer = {"type": "bidirectional", "merge": MERGES[config["merge_mode"]]}
        for side, part, name in (("ahead", ahead, "forward_layer"), ("back", back, "backward_layer")):
            layer[side] = recurrent_from_keras(part["class_name"], part["config"], f"{group}/{name}", weights, where)
        return [layer | ({} if ahead["config"].get("return_sequences") else {"final_state": True})]
    require(kind in RECURRENT, f"{where}: not a layer that unroll has")
    layer = recurrent_from_keras(kind, config, group, weights, where)
    if config.get("go_backwards"):
        require(not config.get("return_sequences"), f"{where}: go_backwards with return_sequences gives its outputs in reversed order, which unroll does not")
        layer["reverse"] = True
    return [layer | ({} if config.get("return_sequences") else {"final_state": True})]


def chain(model):
    """The layers of a Sequential, or of a functional model in which each takes what the one before gives."""
    config = model["config"]
    layers = config["layers"]
    if model["class_name"] == "Sequential":
        return layers
    require(model["class_name"] == "Functional", f"a model of class {model['class_name']}, expected Sequential or Functional")
    before = None
    for layer in layers:
        text = json.dumps(layer.get("inbound_nodes", []))
        histories = re.findall(r'"keras_history": \["([^"]*)", (\d+), (\d+)\]', text)
        expected = [] if before is None else [(before, "0", "0")]
        require(histories == expected, f"layer {layer['config']['name']}: it takes {histories}, expected the layer before it alone")
        before = layer["config"]["name"]
    return layers


def read_keras(model, file):
    """A network from the model's JSON and its opened h5 file."""
    layers = chain(model)
    weights = Weights(file)
    network, masks = {"layers": []}, False
    for layer, group in zip(layers, group_names(layer["class_name"] for layer in layers)):
        kind, config = layer["class_name"], layer["config"]
        masks = masks or config.get("mask_zero", False)
        require(kind != "Masking", f"layer {config['name']} (Masking): leave masked steps out when packing, and the layer out of the model")
        network["layers"] += layers_from_keras(kind, config, group, weights, f"layer {config['name']} ({kind})")
    require(not weights.arrays, f"no layer has a place for {sorted(weights.arrays)}")
    add_about(network, model.get(TEST_KEY, {}))
    if masks:
        network.setdefault("metadata", {})["keras.mask_zero"] = True
    check_test_vector(network, model.get(TEST_KEY, {}), file.filename)
    return network


# To Keras.


def recurrent_to_keras(w, return_sequences, where):
    """(class, config, variables)."""
    require("initial_h" not in w and "initial_c" not in w, f"{where}: an initial state, which a Keras layer does not have")
    kind = {"lstm": "LSTM", "gru": "GRU", "gru_reset_before": "GRU"}.get(w["type"], "SimpleRNN")
    order = swap_first_gates if kind == "GRU" else lambda array: array
    config = {"units": w["weight_hh"].shape[1], "return_sequences": return_sequences, "use_bias": "bias_ih" in w}
    config["activation"] = "relu" if w["type"] == "rnn_relu" else "tanh"
    if kind != "SimpleRNN":
        config["recurrent_activation"] = "sigmoid"
    if kind == "GRU":
        config["reset_after"] = w["type"] == "gru"
    variables = [order(w["weight_ih"]).T, order(w["weight_hh"]).T]
    if "bias_ih" in w:
        if w["type"] == "gru":
            variables.append(np.stack([order(w["bias_ih"]), order(w.get("bias_hh", np.zeros_like(w["bias_ih"])))]))
        else:
            variables.append(order(total_bias(w)))
    return kind, config, variables


def layer_to_keras(layer, where):
    """(class, config, {group: variables})."""
    kind = layer["type"]
    if kind == "embedding":
        tokens, features = layer["weight"].shape
        return "Embedding", {"input_dim": tokens, "output_dim": features}, {"": [layer["weight"]]}
    if kind == "dense":
        variables = [layer["weight"].T] + ([layer["bias"]] if "bias" in layer else [])
        return "Dense", {"units": layer["weight"].shape[0], "use_bias": "bias" in layer, "activation": "linear"}, {"": variables}
    if kind == "bidirectional":
        config, variables = {"merge_mode": {ours: theirs for theirs, ours in MERGES.items()}[layer["merge"]]}, {}
        for side, name, group in (("ahead", "layer", "forward_layer"), ("back", "backward_layer", "backward_layer")):
            inner, options, arrays = recurrent_to_keras(layer[side], not layer.get("final_state"), where)
            options |= {"name": group, "go_backwards": side == "back"}
            config[name] = {"module": "keras.layers", "class_name": inner, "config": options, "registered_name": None}
            variables[f"/{group}/cell"] = arrays
        return "Bidirectional", config, variables
    if kind in GATES:
        require(not layer.get("reverse") or layer.get("final_state"), f"{where}: Keras returns the sequence of a reversed layer in reversed order")
        name, config, arrays = recurrent_to_keras(layer, not layer.get("final_state"), where)
        if layer.get("reverse"):
            config["go_backwards"] = True
        return name, config, {"/cell": arrays}
    if kind == "prelu":
        return "PReLU", {"shared_axes": [1]}, {"": [layer["slope"][None]]}
    if kind == "elu":
        return "ELU", {"alpha": layer["alpha"]}, {}
    return "Activation", {"activation": kind}, {}


def write_keras(network):
    """The JSON of a Sequential and {h5 path: array}."""
    inputs, _ = check(network)
    require(not network.get("skip") and network.get("input_gain", 1) == 1 and network.get("output_gain", 1) == 1, "the network has a skip or gains, which a Sequential does not have")
    tokens = network["layers"][0]["type"] == "embedding"
    shape = [None, None] if tokens else [None, None, inputs]
    entry = {"batch_shape": shape, "dtype": "int32" if tokens else "float32", "name": "input"}
    layers = [{"module": "keras.layers", "class_name": "InputLayer", "config": entry, "registered_name": None}]
    described = []
    for k, layer in enumerate(network["layers"]):
        kind, config, variables = layer_to_keras(layer, f"layer {k} ({layer['type']})")
        described.append((kind, variables))
        values = check({"layers": network["layers"][:k]})[1] if k else inputs
        ended = any(before.get("final_state") for before in network["layers"][:k])
        shape = [None, None] if k == 0 and tokens else [None, values] if ended else [None, None, values]
        if kind == "PReLU" and ended:
            config, variables[""] = {}, [layer["slope"]]
        layers.append({"module": "keras.layers", "class_name": kind, "config": {"name": f"layer_{k}"} | config, "registered_name": None, "build_config": {"input_shape": shape}})
    arrays = {}
    for (kind, variables), group in zip(described, group_names(kind for kind, _ in described)):
        arrays[f"{group}/vars"] = None
        for inner, values in variables.items():
            arrays |= {f"{group}{inner}/vars/{k}": np.asarray(value, np.float32) for k, value in enumerate(values)}
    config = {"name": "network", "trainable": True, "layers": layers, "build_input_shape": layers[0]["config"]["batch_shape"]}
    model = {"module": "keras", "class_name": "Sequential", "config": config, "registered_name": None}
    return model | {TEST_KEY: test_vector(network) | about(network)}, arrays


def write_h5(target, arrays):
    with h5py.File(target, "w") as file:
        file.create_group("vars")
        for name, value in arrays.items():
            if value is None:
                file.require_group(name)
            else:
                file.create_dataset(name, data=value)


def convert(source, target, config=None):
    source, target = str(source), str(target)
    if target.endswith(".safetensors"):
        if source.endswith(".keras"):
            with zipfile.ZipFile(source) as archive:
                model = json.loads(archive.read("config.json"))
                with h5py.File(io.BytesIO(archive.read("model.weights.h5")), "r") as file:
                    network = read_keras(model, file)
        else:
            require(source.endswith(".h5") and config, f"{source}: expected a .keras file, or a .weights.h5 file and --config, which says what its weights are of")
            with h5py.File(source, "r") as file:
                network = read_keras(json.loads(pathlib.Path(config).read_text()), file)
        save(target, network)
        return
    require(source.endswith(".safetensors"), "one of the two files must be safetensors")
    model, arrays = write_keras(load(source))
    if target.endswith(".keras"):
        buffer = io.BytesIO()
        write_h5(buffer, arrays)
        with zipfile.ZipFile(target, "w") as archive:
            archive.writestr("metadata.json", json.dumps({"keras_version": "3.0.0", "date_saved": ""}))
            archive.writestr("config.json", json.dumps(model))
            archive.writestr("model.weights.h5", buffer.getvalue())
    else:
        require(target.endswith(".weights.h5"), f"{target}: expected a name that ends in .keras, .weights.h5 or .safetensors")
        write_h5(target, arrays)
        if config:
            pathlib.Path(config).write_text(json.dumps(model))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("source")
    parser.add_argument("target")
    parser.add_argument("--config", help="the model's JSON: read with a .weights.h5 source, written with a .weights.h5 target")
    options = parser.parse_args()
    try:
        convert(options.source, options.target, options.config)
    except NetworkError as error:
        parser.exit(1, f"{options.source}: {error}\n")


if __name__ == "__main__":
    main()
