"""The Python tools against what the frameworks computed (tests/data/io) and, where they are installed, against the frameworks.

python -m unittest convert_test, in this folder. Needs numpy, h5py, onnx and onnxruntime; keras judges too if it is there.
"""

import io
import json
import os
import pathlib
import shutil
import sys
import tempfile
import types
import unittest
import zipfile

import h5py
import numpy as np
import onnx
import onnxruntime
from onnx import helper

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "data" / "io"
sys.path.insert(0, str(ROOT / "tools"))

import keras_convert
import network
import onnx_convert

os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
try:
    import keras
except ImportError:
    keras = None

EXPECTED = {}
for name in ("keras", "onnx"):
    EXPECTED |= network.read_safetensors(DATA / f"{name}.safetensors")[0]


def close(got, expected, tolerance):
    return np.abs(np.asarray(got) - expected).max() <= tolerance * np.abs(expected).max()


def random_network(seed, kinds, inputs=2, merge="concat", final=False, initial=False):
    """A chain of recurrent layers of these kinds, two in a list for a bidirectional one, and a dense layer."""
    random = np.random.Generator(np.random.PCG64(seed))
    draw = lambda *shape: (0.6 * random.standard_normal(shape)).astype(np.float32)
    layers, values = [], inputs

    def part(kind, units):
        rows = network.GATES[kind] * units
        w = {"type": kind, "weight_ih": draw(rows, values), "weight_hh": draw(rows, units), "bias_ih": draw(rows), "bias_hh": draw(rows)}
        if initial:
            w["initial_h"] = draw(units)
            if kind == "lstm":
                w["initial_c"] = draw(units)
        return w

    for k, kind in enumerate(kinds):
        if isinstance(kind, list):
            layer = {"type": "bidirectional", "merge": merge, "ahead": part(kind[0], 3), "back": part(kind[0], 3)}
            gives = 6 if merge == "concat" else 3
        else:
            layer, gives = part(kind, 3 + k), 3 + k
        layers.append(layer)
        values = gives
    if final:
        layers[-1]["final_state"] = True
    layers.append({"type": "dense", "weight": draw(2, values), "bias": draw(2)})
    return {"layers": layers}


NETWORKS = {
    "every cell": random_network(1, ["rnn_tanh", "rnn_relu", "lstm", "gru", "gru_reset_before"]),
    "sums of two directions": random_network(2, [["lstm"], ["gru"]], merge="sum"),
    "averages, the last alone": random_network(3, [["gru_reset_before"]], merge="average", final=True),
    "products": random_network(4, [["rnn_tanh"]], merge="product"),
    "two directions side by side, the last alone": random_network(5, [["lstm"]], final=True),
    "the last of one direction": random_network(6, ["gru", "lstm"], final=True),
}
for entry in NETWORKS.values():
    entry["layers"] += [{"type": "elu", "alpha": 0.5}, {"type": "prelu", "slope": np.array([0.25, 0.75], np.float32)}, {"type": "softmax"}]


# Mistakes that one could make in a reader: (what, a text that is there once, what replaces it). Each must change what some
# model gives.
MISTAKES = {
    keras_convert: [
        ("an LSTM's gates are rotated", "lambda array: array\n    after", "lambda array: np.roll(array, len(array) // 4, 0)\n    after"),
        ("a GRU's gates stay as they stand", 'swap_first_gates if kind == "GRU" else lambda array: array\n    after', "lambda array: array\n    after"),
        ("both biases of a GRU are forgotten", 'w["bias_ih"], w["bias_hh"] = order(arrays[2][0]), order(arrays[2][1])', "pass"),
        ("one bias is forgotten", 'w["bias_ih"] = order(arrays[2])', "pass"),
        ("one GRU is taken for the other", 'w["type"] = "gru_reset_before"', "pass"),
        ("a layer that goes backwards goes forwards", 'layer["reverse"] = True', "pass"),
    ],
    onnx_convert: [
        ("an LSTM's gates stay as they stand", '"LSTM": lstm_from_onnx', '"LSTM": lambda array: array'),
        ("a GRU's gates stay as they stand", '"LSTM": lstm_from_onnx, "GRU": swap_first_gates}', '"LSTM": lstm_from_onnx}'),
        ("biases are forgotten", "if bias is not None:", "if False:"),
        ("one GRU is taken for the other", '"gru" if attributes.get("linear_before_reset", 0)', '"gru" if not attributes.get("linear_before_reset", 0)'),
        ("the initial state is forgotten", "w[leaf] = state[k, 0]", "pass"),
        ("the directions are swapped", '"ahead": sides[0], "back": sides[1]', '"ahead": sides[1], "back": sides[0]'),
    ],
}


def changed_module(module, old, new):
    source = pathlib.Path(module.__file__).read_text()
    assert source.count(old) == 1, f"{old!r} is there {source.count(old)} times, expected once"
    made = types.ModuleType("changed")
    exec(source.replace(old, new), made.__dict__)
    return made


class Converters(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.x = np.random.Generator(np.random.PCG64(9)).standard_normal((7, 2)).astype(np.float32)

    def refused(self, convert, *arguments, says):
        with self.assertRaises(network.NetworkError) as caught:
            convert(*arguments)
        self.assertIn(says, str(caught.exception))

    # Reading what the frameworks wrote.

    def check_expected(self, name):
        loaded = network.load(self.folder / "out.safetensors")
        self.assertTrue(close(network.run_layers(loaded, EXPECTED[f"{name}.x"]), EXPECTED[f"{name}.y"], 1e-12), name)
        stored, _ = network.read_safetensors(DATA / f"{name}.safetensors")
        made, _ = network.read_safetensors(self.folder / "out.safetensors")
        self.assertEqual(stored.keys(), made.keys())
        for key in stored:
            np.testing.assert_array_equal(stored[key], made[key])

    def test_keras_files_give_what_keras_computed(self):
        for name in ("keras_tagger", "keras_stack", "keras_last"):
            keras_convert.convert(DATA / f"{name}.keras", self.folder / "out.safetensors")
            self.check_expected(name)

    def test_weights_alone_need_the_architecture(self):
        source = DATA / "keras_last.weights.h5"
        keras_convert.convert(source, self.folder / "out.safetensors", DATA / "keras_last.config.json")
        self.check_expected("keras_last")
        self.refused(keras_convert.convert, source, self.folder / "out.safetensors", says="--config")

    def test_onnx_files_give_what_the_runtime_computed(self):
        for name in ("onnx_tagger", "onnx_stack", "onnx_last"):
            onnx_convert.convert(DATA / f"{name}.onnx", self.folder / "out.safetensors")
            self.check_expected(name)

    def test_what_describes_a_network_comes_back(self):
        said = {"sample_rate": 48000.0, "loudness": -18.5, "metadata": {"name": "mine", "/notes": ["beside", {"a": 1}]}}
        network.save(self.folder / "in.safetensors", random_network(8, ["lstm"]) | said)
        for convert, middle in ((keras_convert.convert, "a.keras"), (onnx_convert.convert, "a.onnx")):
            convert(self.folder / "in.safetensors", self.folder / middle)
            convert(self.folder / middle, self.folder / "out.safetensors")
            back = network.load(self.folder / "out.safetensors")
            self.assertEqual({key: back[key] for key in back if key != "layers"}, said)

    def test_mistakes_in_a_reader_are_noticed(self):
        states = self.folder / "states.onnx"
        onnx_convert.write_onnx(random_network(7, ["lstm", "gru"], initial=True), states)
        stripped = onnx.load(str(states))
        stripped.ClearField("metadata_props")  # or the test vector in it would notice
        onnx.save(stripped, str(states))
        initial = network.run_layers(onnx_convert.read_onnx(states), self.x)

        def is_right(convert, source, name):
            convert(source, self.folder / "out.safetensors")
            y = network.run_layers(network.load(self.folder / "out.safetensors"), EXPECTED[f"{name}.x"] if name else self.x)
            return close(y, EXPECTED[f"{name}.y"] if name else initial, 1e-6)

        for module, mistakes in MISTAKES.items():
            kind = "keras" if module is keras_convert else "onnx"
            models = [(DATA / f"{kind}_{name}.{kind}", f"{kind}_{name}") for name in ("tagger", "stack", "last")]
            models += [(states, None)] if kind == "onnx" else []
            self.assertTrue(all(is_right(module.convert, *model) for model in models))
            for what, old, new in mistakes:
                convert = changed_module(module, old, new).convert
                self.assertFalse(all(is_right(convert, *model) for model in models), f"{kind}: nobody noticed: {what}")

    # Writing: onnxruntime and Keras judge, and reading again gives the same network.

    def test_onnxruntime_computes_what_the_network_does(self):
        for name, made in (NETWORKS | {"initial states": random_network(7, ["lstm", "gru"], initial=True)}).items():
            path = self.folder / "net.onnx"
            onnx_convert.write_onnx(made, path)
            batch = np.stack([self.x, -self.x], axis=1)
            y = onnxruntime.InferenceSession(str(path)).run(None, {"x": batch})[0]
            for b, x in enumerate([self.x, -self.x]):
                expected = network.run_layers(made, x.astype(float))
                self.assertTrue(close(y[b : b + 1] if y.ndim == 2 else y[:, b], expected, 2e-6), name)
            again = onnx_convert.read_onnx(path)
            self.assertTrue(close(network.run_layers(again, self.x), network.run_layers(made, self.x), 1e-6), name)

    def test_onnx_takes_tokens(self):
        onnx_convert.convert(DATA / "keras_tagger.safetensors", self.folder / "net.onnx")
        ids = EXPECTED["keras_tagger.x"]
        y = onnxruntime.InferenceSession(str(self.folder / "net.onnx")).run(None, {"x": ids[:, None]})[0]
        self.assertTrue(close(y[:, 0], EXPECTED["keras_tagger.y"], 2e-6))

    def test_keras_written_is_keras_read(self):
        for name in ("keras_tagger", "keras_stack", "keras_last"):
            keras_convert.convert(DATA / f"{name}.safetensors", self.folder / "net.keras")
            keras_convert.convert(self.folder / "net.keras", self.folder / "out.safetensors")
            made = network.load(self.folder / "out.safetensors")
            self.assertTrue(close(network.run_layers(made, EXPECTED[f"{name}.x"]), EXPECTED[f"{name}.y"], 1e-6), name)

    @unittest.skipIf(keras is None, "keras is not installed")
    def test_keras_computes_what_the_network_does(self):
        for name, made in NETWORKS.items():
            network.save(self.folder / "net.safetensors", made)
            keras_convert.convert(self.folder / "net.safetensors", self.folder / "net.keras")
            keras_convert.convert(self.folder / "net.safetensors", self.folder / "net.weights.h5", self.folder / "net.json")
            expected = network.run_layers(made, self.x.astype(float))
            whole = keras.models.load_model(self.folder / "net.keras")
            self.assertTrue(close(np.asarray(whole(self.x[None]))[0], expected, 2e-6), name)
            parts = keras.models.model_from_json((self.folder / "net.json").read_text())
            parts.load_weights(self.folder / "net.weights.h5")
            self.assertTrue(close(np.asarray(parts(self.x[None]))[0], expected, 2e-6), name)

    # What must not pass.

    def keras_changed(self, change):
        """keras_last with its architecture changed by `change(config of each layer by class)`."""
        model = json.loads((DATA / "keras_last.config.json").read_text())
        change({layer["class_name"] + str(k): layer for k, layer in enumerate(model["config"]["layers"])})
        (self.folder / "c.json").write_text(json.dumps(model))
        return DATA / "keras_last.weights.h5", self.folder / "out.safetensors", self.folder / "c.json"

    def test_keras_layers_that_unroll_lacks_are_refused(self):
        def config(name, key, value):
            return self.keras_changed(lambda layers: layers[name]["config"].update({key: value}))

        convert = keras_convert.convert
        self.refused(convert, *config("LSTM3", "recurrent_activation", "hard_sigmoid"), says="recurrent_activation hard_sigmoid")
        self.refused(convert, *config("LSTM3", "activation", "relu"), says="activation relu, expected tanh")
        self.refused(convert, *config("LSTM3", "return_sequences", True), says="reversed order")
        self.refused(convert, *config("LSTM3", "use_bias", True), says="no variable")
        self.refused(convert, *config("Dense4", "activation", "gelu"), says="activation gelu")
        self.refused(convert, *config("Bidirectional1", "merge_mode", None), says="merge_mode")
        self.refused(convert, *self.keras_changed(lambda layers: layers["Dense4"].update(class_name="BatchNormalization")), says="not a layer that unroll has")
        self.refused(convert, *self.keras_changed(lambda layers: layers["LSTM3"].update(inbound_nodes=layers["Bidirectional1"]["inbound_nodes"])), says="expected the layer before it")

    def test_a_keras_gru_of_the_other_form_is_refused(self):
        def other(layers):
            for side in ("layer", "backward_layer"):
                layers["Bidirectional2"]["config"][side]["config"]["reset_after"] = False

        self.refused(keras_convert.convert, *self.keras_changed(other), says="the other GRU")

    def test_onnx_options_that_unroll_lacks_are_refused(self):
        def changed(name, **attributes):
            model = onnx.load(str(DATA / f"{name}.onnx"))
            for node in model.graph.node:
                if node.op_type in ("LSTM", "GRU"):
                    node.attribute.extend(helper.make_attribute(key, value) for key, value in attributes.items())
            onnx.save(model, str(self.folder / "net.onnx"))
            return self.folder / "net.onnx"

        read = onnx_convert.read_onnx
        self.refused(read, changed("onnx_last", clip=3.0), says="clip")
        self.refused(read, changed("onnx_last", input_forget=1), says="input_forget")
        self.refused(read, changed("onnx_last", activations=["HardSigmoid", "Tanh", "Tanh"]), says="HardSigmoid")
        model = onnx.load(str(DATA / "onnx_last.onnx"))
        next(node for node in model.graph.node if node.op_type == "Gemm").op_type = "Conv"
        onnx.save(model, str(self.folder / "net.onnx"))
        with self.assertRaises((network.NetworkError, onnx.checker.ValidationError)):
            read(self.folder / "net.onnx")

    def test_the_two_grus_of_onnx_are_told_apart(self):
        model = onnx.load(str(DATA / "onnx_tagger.onnx"))
        node = next(node for node in model.graph.node if node.op_type == "GRU")
        before = [item for item in node.attribute if item.name != "linear_before_reset"]
        del node.attribute[:]
        node.attribute.extend(before)
        onnx.save(model, str(self.folder / "net.onnx"))
        self.assertEqual(onnx_convert.read_onnx(self.folder / "net.onnx")["layers"][1]["ahead"]["type"], "gru_reset_before")

    def test_files_carry_a_test_vector_that_is_run(self):
        made = random_network(10, ["lstm", "gru"])
        plain, keras_file, onnx_file = (self.folder / name for name in ("net.safetensors", "net.keras", "net.onnx"))
        network.save(plain, made)
        keras_convert.convert(plain, keras_file)
        onnx_convert.convert(plain, onnx_file)
        says = "does not give its test vector"

        tensors, metadata = network.read_safetensors(plain)
        tensors = tensors | {"1.bias_hh_l0": tensors["1.bias_hh_l0"] + 0.125}
        network.write_safetensors(self.folder / "wrong.safetensors", tensors, metadata)
        self.refused(network.load, self.folder / "wrong.safetensors", says=says)

        with zipfile.ZipFile(keras_file) as archive:
            names = {name: archive.read(name) for name in archive.namelist()}
        weights = io.BytesIO(names["model.weights.h5"])
        with h5py.File(weights, "r+") as file:
            file["layers/gru/cell/vars/2"][1, 8] += 0.125
        with zipfile.ZipFile(keras_file, "w") as archive:
            for name, content in (names | {"model.weights.h5": weights.getvalue()}).items():
                archive.writestr(name, content)
        self.refused(keras_convert.convert, keras_file, self.folder / "out.safetensors", says=says)

        model = onnx.load(str(onnx_file))
        head = next(item for item in model.graph.initializer if list(item.dims) == [2])
        head.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(head) + np.float32(0.125), head.name))
        onnx.save(model, str(onnx_file))
        self.refused(onnx_convert.read_onnx, onnx_file, says=says)

    def test_numbers_that_are_not_finite_are_refused(self):
        made = random_network(8, ["lstm"])
        made["layers"][0]["weight_hh"][1, 1] = np.nan
        self.refused(network.save, self.folder / "net.safetensors", made, says="not a finite number")

    def test_variables_that_no_layer_takes_are_refused(self):
        path = self.folder / "more.weights.h5"
        shutil.copy(DATA / "keras_last.weights.h5", path)
        with h5py.File(path, "a") as file:
            file["layers/dense/vars/2"] = np.zeros(3)
        self.refused(keras_convert.convert, path, self.folder / "out.safetensors", DATA / "keras_last.config.json", says="no layer has a place")


if __name__ == "__main__":
    unittest.main()
