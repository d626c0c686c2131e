"""ONNX to unroll and back: python onnx_convert.py FROM TO. Needs numpy and onnx.

One of the two is an .onnx file, the other safetensors. A graph is read if it is a chain: Gather (an embedding), RNN, LSTM and GRU
(forward, reverse, bidirectional; both GRUs), Gemm or MatMul and Add, activations, and the Transpose, Reshape, Squeeze and
Gather that belong to them. Everything else is refused: clip, input_forget, peepholes, sequence_lens, other activations.

A written graph has the input `x`, (steps, batch, inputs), or ids (steps, batch), and the output `y`, (steps, batch, outputs), or
(batch, outputs) with a final state.
"""

import argparse

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from network import GATES, NetworkError, about, add_about, check, check_test_vector, load, parts, require, save, swap_first_gates, test_vector

OPSET = 17
ACTIVATIONS = {"Tanh": "tanh", "Relu": "relu", "Sigmoid": "sigmoid", "Softmax": "softmax", "Elu": "elu", "PRelu": "prelu"}
DEFAULTS = {"RNN": ["Tanh"], "LSTM": ["Sigmoid", "Tanh", "Tanh"], "GRU": ["Sigmoid", "Tanh"]}


def lstm_to_onnx(array):
    """i f g o as i o f g."""
    i, f, g, o = np.split(array, 4)
    return np.concatenate([i, o, f, g])


def lstm_from_onnx(array):
    i, o, f, g = np.split(array, 4)
    return np.concatenate([i, f, g, o])


# From ONNX.


class Chain:
    """Follows a graph from its input to its output, node by node. `axes` says what the axes of the value are:
    t steps, b batch, d values, n directions."""

    def __init__(self, model):
        graph = model.graph
        self.constants = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
        self.producers = {name: node for node in graph.node for name in node.output if name}
        self.consumers = {}
        for node in graph.node:
            if node.op_type == "Constant":
                value = {a.name: helper.get_attribute_value(a) for a in node.attribute}
                self.constants[node.output[0]] = numpy_helper.to_array(value["value"]) if "value" in value else np.array(next(iter(value.values())))
            for name in node.input:
                self.consumers.setdefault(name, []).append(node)
        inputs = [item for item in graph.input if item.name not in self.constants]
        require(len(inputs) == 1 and len(graph.output) == 1, f"{len(inputs)} inputs and {len(graph.output)} outputs, expected one of each")
        self.at, self.end = inputs[0].name, graph.output[0].name
        self.layers, self.inputs = [], inputs[0]

    def fail(self, node, message):
        raise NetworkError(f"node {node.name or node.output[0]} ({node.op_type}): {message}")

    def constant(self, node, k, wanted=True):
        """Input k of a node as an array; None where it is absent. States that PyTorch makes by Expand count as one column."""
        name = node.input[k] if len(node.input) > k else ""
        if not name:
            if wanted:
                self.fail(node, f"no input {k}")
            return None
        producer = self.producers.get(name)
        if name not in self.constants and producer is not None and producer.op_type in ("Expand", "Identity"):
            return self.constant(producer, 0)
        if name not in self.constants and producer is not None and producer.op_type in ("Slice", "Concat"):
            whole = [self.constant(producer, i) for i in range(1 if producer.op_type == "Slice" else len(producer.input))]
            if any(np.any(part) for part in whole):
                self.fail(node, f"its input {k} is cut out of something that is not zeros")
            return np.zeros(1, np.float32)
        if name not in self.constants and producer is not None and producer.op_type == "ConstantOfShape":
            value = self.attributes(producer).get("value")
            return np.zeros(1, np.float32) if value is None else numpy_helper.to_array(value)
        if name not in self.constants:
            self.fail(node, f"its input {k} is not a constant")
        return self.constants[name]

    @staticmethod
    def attributes(node):
        return {item.name: helper.get_attribute_value(item) for item in node.attribute}

    def feeds_shapes_only(self, node):
        """A side branch that computes the shape of something, as exporters make for initial states."""
        return node.op_type == "Shape"

    def run(self):
        first = [node for node in self.consumers.get(self.at, []) if not self.feeds_shapes_only(node)]
        self.axes = "?" if first and first[0].op_type in ("Gather",) else ""
        if not self.axes:
            rank = len(self.inputs.type.tensor_type.shape.dim)
            require(rank == 3, f"the input has {rank} dimensions, expected 3, or token ids")
            self.axes = "0" + "1" + "d"  # which of the two is time, the first recurrent node says
        while self.at != self.end:
            nodes = [node for node in self.consumers.get(self.at, []) if not self.feeds_shapes_only(node)]
            if not nodes:
                raise NetworkError(f"nothing takes {self.at}")
            if len(nodes) > 1:
                self.fail(nodes[1], f"a second user of {self.at}, expected a chain")
            self.step(nodes[0])
        require(self.layers, "a graph without layers")
        return {"layers": self.layers}

    def step(self, node):
        kind, attributes = node.op_type, self.attributes(node)
        handler = getattr(self, f"on_{kind.lower()}", None)
        if kind in ACTIVATIONS:
            self.activation(node, attributes)
        elif kind in DEFAULTS:
            self.recurrent(node, attributes)
            return
        elif kind in ("Identity", "Dropout"):
            pass
        elif handler is not None:
            handler(node, attributes)
        else:
            self.fail(node, "not a recurrent layer that unroll has, nor what belongs to one")
        self.at = node.output[0]

    def dense(self, node, weight, bias):
        layer = {"type": "dense", "weight": np.ascontiguousarray(weight)}
        if not self.axes.endswith("d"):
            self.fail(node, "its values are not on the last axis")
        self.layers.append(layer | ({"bias": bias.ravel()} if bias is not None else {}))

    def on_gather(self, node, attributes):
        if node.input[0] == self.at:  # one step of the sequence: the last
            index, axis = self.constant(node, 1), attributes.get("axis", 0)
            if index.size != 1 or int(index.ravel()[0]) != -1 or self.axes[axis] != "t":
                self.fail(node, "takes a step that is not the last")
            self.take_last(node)
            self.axes = self.axes.replace("t", "") if index.ndim == 0 else self.fail(node, "keeps the axis of steps")
            return
        if self.layers or attributes.get("axis", 0) != 0:
            self.fail(node, "an embedding that is not the first layer")
        self.layers.append({"type": "embedding", "weight": self.constant(node, 0)})
        self.axes = "01d"

    def take_last(self, node):
        layer = self.layers[-1] if self.layers else {}
        if layer.get("type") not in GATES or layer.get("reverse"):
            self.fail(node, "takes the last step of what is not a forward recurrent layer")
        layer["final_state"] = True

    def on_gemm(self, node, attributes):
        if attributes.get("alpha", 1.0) != 1 or attributes.get("beta", 1.0) != 1 or attributes.get("transA", 0):
            self.fail(node, "with alpha, beta or transA")
        weight = self.constant(node, 1)
        self.dense(node, weight if attributes.get("transB", 0) else weight.T, self.constant(node, 2, wanted=False))

    def on_matmul(self, node, _):
        if node.input[0] != self.at:
            self.fail(node, "the sequence is not its first operand")
        self.dense(node, self.constant(node, 1).T, None)

    def on_add(self, node, _):
        k = 1 if node.input[0] == self.at else 0
        bias = self.constant(node, k).ravel()
        layer = self.layers[-1] if self.layers else {}
        if layer.get("type") != "dense" or "bias" in layer or bias.size != len(layer["weight"]):
            self.fail(node, "expected the bias of the MatMul before it")
        layer["bias"] = bias

    def activation(self, node, attributes):
        kind = ACTIVATIONS[node.op_type]
        layer = {"type": kind}
        if kind == "softmax" and attributes.get("axis", -1) not in (-1, len(self.axes) - 1):
            self.fail(node, f"axis {attributes['axis']}, expected the last")
        if kind == "elu":
            layer["alpha"] = float(attributes.get("alpha", 1.0))
        if kind == "prelu":
            slope = self.constant(node, 1).ravel()
            layer["slope"] = np.full(self.width(), slope[0], slope.dtype) if slope.size == 1 else slope
        self.layers.append(layer)

    def width(self):
        return check({"layers": self.layers})[1]

    def recurrent(self, node, attributes):
        kind = node.op_type
        if attributes.get("layout", 0):
            self.fail(node, "layout 1, expected 0")
        if "clip" in attributes or attributes.get("input_forget", 0):
            self.fail(node, "clip or input_forget")
        if len(node.input) > 4 and node.input[4]:
            self.fail(node, "sequence_lens: lengths are given when packing")
        if len(node.input) > 7 and node.input[7]:
            self.fail(node, "peepholes")
        direction = attributes.get("direction", b"forward").decode()
        count = 2 if direction == "bidirectional" else 1
        functions = [f.decode() for f in attributes.get("activations", [])] or DEFAULTS[kind] * count
        one = functions[: len(DEFAULTS[kind])]
        if functions != one * count or (one != DEFAULTS[kind] and not (kind == "RNN" and one == ["Relu"])):
            self.fail(node, f"activations {functions}, expected {DEFAULTS[kind]}")
        name = {"LSTM": "lstm", "RNN": "rnn_relu" if one == ["Relu"] else "rnn_tanh"}.get(kind)
        if kind == "GRU":
            name = "gru" if attributes.get("linear_before_reset", 0) else "gru_reset_before"
        order = {"LSTM": lstm_from_onnx, "GRU": swap_first_gates}.get(kind, lambda array: array)
        weight_ih, weight_hh, bias = self.constant(node, 1), self.constant(node, 2), self.constant(node, 3, wanted=False)
        if self.axes in ("01d", "10d"):
            self.axes = "tbd"  # a recurrent node has time first
        if self.axes != "tbd":
            self.fail(node, "its input is not (steps, batch, values)")
        sides = []
        for k in range(count):
            w = {"type": name, "weight_ih": order(weight_ih[k]), "weight_hh": order(weight_hh[k])}
            if bias is not None:
                w["bias_ih"], w["bias_hh"] = (order(part) for part in np.split(bias[k], 2))
            for leaf, position in (("initial_h", 5), ("initial_c", 6)):
                state = self.constant(node, position, wanted=False)
                if state is None or not np.any(state):
                    continue
                if state.ndim != 3 or (state != state[:, :1]).any():
                    self.fail(node, f"{leaf} differs between the sequences of a batch")
                w[leaf] = state[k, 0]
            sides.append(w)
        if count == 2:
            self.layers.append({"type": "bidirectional", "merge": "concat", "ahead": sides[0], "back": sides[1]})
        else:
            self.layers.append(sides[0] | ({"reverse": True} if direction == "reverse" else {}))
        taken = [name for name in node.output if name and (name in self.consumers or name == self.end)]
        if len(taken) != 1 or taken[0] == (node.output[2] if len(node.output) > 2 else None):
            self.fail(node, f"its outputs {taken} are used, expected Y or Y_h alone")
        self.at = taken[0]
        self.axes = "tnbd" if taken[0] == node.output[0] else "nbd"
        if self.axes == "nbd":
            self.layers[-1]["final_state"] = True

    def on_transpose(self, node, attributes):
        self.axes = "".join(self.axes[k] for k in attributes["perm"])

    def on_squeeze(self, node, attributes):
        axes = attributes.get("axes") or self.constant(node, 1).tolist()
        if [self.axes[k] for k in axes] != ["n"] or self.layers[-1]["type"] == "bidirectional":
            self.fail(node, "expected to drop the axis of the one direction")
        self.axes = self.axes.replace("n", "")

    def on_reshape(self, node, _):
        if not self.axes.endswith("nd"):
            self.fail(node, "expected to join the two directions")
        self.axes = self.axes[:-2] + "d"

    def merged(self, node, attributes, merge):
        axes = attributes.get("axes") or self.constant(node, 1).tolist()
        if [self.axes[k] for k in axes] != ["n"] or attributes.get("keepdims", 1):
            self.fail(node, "expected to merge the two directions")
        self.layers[-1]["merge"] = merge
        self.axes = self.axes.replace("n", "")

    def on_reducesum(self, node, attributes):
        self.merged(node, attributes, "sum")

    def on_reducemean(self, node, attributes):
        self.merged(node, attributes, "average")

    def on_reduceprod(self, node, attributes):
        self.merged(node, attributes, "product")


def read_onnx(path):
    model = onnx.load(str(path))
    onnx.checker.check_model(model)
    network = Chain(model).run()
    metadata = {item.key: item.value for item in model.metadata_props}
    add_about(network, metadata)
    check_test_vector(network, metadata, path)
    return network


# To ONNX.


class Graph:
    def __init__(self):
        self.nodes, self.constants, self.count = [], [], 0

    def constant(self, value):
        self.count += 1
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), f"c{self.count}"))
        return f"c{self.count}"

    def add(self, kind, inputs, outputs=1, which=0, **attributes):
        self.count += 1
        names = [f"v{self.count}" if k == which else "" for k in range(outputs)]
        self.nodes.append(helper.make_node(kind, inputs, names, f"n{self.count}", **attributes))
        return names[which]


def integers(*values):
    return np.array(values, np.int64)


def recurrent_to_onnx(graph, layer, x, kind, sides):
    order = {"LSTM": lstm_to_onnx, "GRU": swap_first_gates}.get(kind, lambda array: array)
    stack = lambda arrays: graph.constant(np.stack(list(arrays)).astype(np.float32))
    inputs = [x, stack(order(w["weight_ih"]) for w in sides), stack(order(w["weight_hh"]) for w in sides)]
    zeros = lambda w: np.zeros(len(w["weight_hh"]), np.float32)
    inputs.append(stack(np.concatenate([order(w.get("bias_ih", zeros(w))), order(w.get("bias_hh", zeros(w)))]) for w in sides))
    inputs.append("")
    for leaf in ("initial_h", "initial_c"):
        if not any(leaf in w for w in sides):
            inputs.append("")
            continue
        units = sides[0]["weight_hh"].shape[1]
        state = np.stack([w.get(leaf, np.zeros(units, np.float32)) for w in sides])[:, None].astype(np.float32)
        batch = graph.add("Gather", [graph.add("Shape", [x]), graph.constant(integers(1))], axis=0)
        shape = graph.add("Concat", [graph.constant(integers(len(sides))), batch, graph.constant(integers(units))], axis=0)
        inputs.append(graph.add("Expand", [graph.constant(state), shape]))
    while not inputs[-1]:
        inputs.pop()
    attributes = {"hidden_size": sides[0]["weight_hh"].shape[1]}
    attributes["direction"] = "bidirectional" if len(sides) == 2 else "reverse" if layer.get("reverse") else "forward"
    if kind == "GRU":
        attributes["linear_before_reset"] = int(sides[0]["type"] == "gru")
    if sides[0]["type"] == "rnn_relu":
        attributes["activations"] = ["Relu"] * len(sides)
    final = layer.get("final_state", False)
    y = graph.add(kind, inputs, outputs=2 if final else 1, which=1 if final else 0, **attributes)
    axis = 0 if final else 1  # of the directions
    if len(sides) == 1:
        return graph.add("Squeeze", [y, graph.constant(integers(axis))])
    if layer["merge"] == "sum":
        return graph.add("ReduceSum", [y, graph.constant(integers(axis))], keepdims=0)
    if layer["merge"] != "concat":
        return graph.add({"average": "ReduceMean", "product": "ReduceProd"}[layer["merge"]], [y], axes=[axis], keepdims=0)
    y = graph.add("Transpose", [y], perm=[1, 0, 2] if final else [0, 2, 1, 3])
    return graph.add("Reshape", [y, graph.constant(integers(0, -1) if final else integers(0, 0, -1))])


def write_onnx(network, path):
    inputs, outputs = check(network)
    require(not network.get("skip") and network.get("input_gain", 1) == 1 and network.get("output_gain", 1) == 1, "the network has a skip or gains; add them outside of the graph")
    graph, x, ended = Graph(), "x", False
    tokens = network["layers"][0]["type"] == "embedding"
    for layer in network["layers"]:
        kind = layer["type"]
        ended = ended or layer.get("final_state", False)
        if kind == "embedding":
            x = graph.add("Gather", [graph.constant(layer["weight"].astype(np.float32)), x], axis=0)
        elif kind == "dense":
            x = graph.add("MatMul", [x, graph.constant(layer["weight"].T.astype(np.float32))])
            if "bias" in layer:
                x = graph.add("Add", [x, graph.constant(layer["bias"].astype(np.float32))])
        elif parts(layer):
            sides = [part for part, _ in parts(layer)]
            name = {"lstm": "LSTM", "gru": "GRU", "gru_reset_before": "GRU"}.get(sides[0]["type"], "RNN")
            x = recurrent_to_onnx(graph, layer, x, name, sides)
        elif kind == "prelu":
            x = graph.add("PRelu", [x, graph.constant(layer["slope"].astype(np.float32))])
        else:
            name = {ours: theirs for theirs, ours in ACTIVATIONS.items()}[kind]
            x = graph.add(name, [x], **({"axis": -1} if kind == "softmax" else {"alpha": layer["alpha"]} if kind == "elu" else {}))
    graph.nodes.append(helper.make_node("Identity", [x], ["y"], "output"))
    taken = helper.make_tensor_value_info("x", TensorProto.INT64 if tokens else TensorProto.FLOAT, ["steps", "batch"] + ([] if tokens else [inputs]))
    given = helper.make_tensor_value_info("y", TensorProto.FLOAT, ([] if ended else ["steps"]) + ["batch", outputs])
    made = helper.make_graph(graph.nodes, "network", [taken], [given], graph.constants)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8, producer_name="unroll")
    helper.set_model_props(model, test_vector(network) | about(network))
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def convert(source, target):
    if str(source).endswith(".onnx"):
        require(str(target).endswith(".safetensors"), "one of the two files must be safetensors")
        save(target, read_onnx(source))
    else:
        require(str(target).endswith(".onnx"), "one of the two files must be .onnx")
        write_onnx(load(source), target)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("source")
    parser.add_argument("target")
    options = parser.parse_args()
    try:
        convert(options.source, options.target)
    except NetworkError as error:
        parser.exit(1, f"{options.source}: {error}\n")


if __name__ == "__main__":
    main()
