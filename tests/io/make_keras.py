"""Keras models and what they compute: .keras and .weights.h5 files, the same through tools/keras_convert.py, RTNeural and AIDA-X JSON.

Writes tests/data/io/keras_* and rtneural_*, and keras.safetensors with NAME.x (T, D) or ids (T) and NAME.y, in float64. Weights are
distinct random float32 numbers; outputs are of the same model in float64. `../../venv/bin/python make_keras.py`
"""

import json
import os
import pathlib
import sys

os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", "KERAS_BACKEND": "tensorflow"}
ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "data" / "io"
sys.path.insert(0, str(ROOT / "tools"))

import keras
import numpy as np
from keras import layers as L

import keras_convert
from network import write_safetensors

expected = {}


def precision(name):
    keras.backend.set_floatx(name)
    keras.config.set_dtype_policy(name)


def both(build, seed, scale=0.6):
    """The same weights in a float32 and a float64 model."""
    precision("float32")
    model = build()
    random = np.random.Generator(np.random.PCG64(seed))
    weights = [(scale * random.standard_normal(w.shape)).astype(np.float32) for w in model.get_weights()]
    model.set_weights(weights)
    precision("float64")
    exact = build()
    exact.set_weights([w.astype(np.float64) for w in weights])
    precision("float32")
    return model, exact


def remember(name, exact, x):
    y = np.asarray(exact(x[None]))[0]
    assert y.dtype == np.float64
    expected[f"{name}.x"], expected[f"{name}.y"] = x, np.atleast_2d(y)
    return y


def tagger():
    return keras.Sequential([
        keras.Input((None,), dtype="int32"), L.Embedding(7, 3, mask_zero=True), L.Dropout(0.1),
        L.Bidirectional(L.LSTM(4, return_sequences=True)), L.Dense(3, activation="softmax"),
    ])


def stack():
    return keras.Sequential([
        keras.Input((None, 2)), L.GRU(4, return_sequences=True), L.GRU(3, reset_after=False, return_sequences=True),
        L.SimpleRNN(3, activation="relu", return_sequences=True), L.TimeDistributed(L.Dense(5, activation="elu")),
        L.PReLU(shared_axes=[1]), L.Dense(2, use_bias=False),
    ])


def last():
    x = keras.Input((None, 2))
    y = L.Bidirectional(L.SimpleRNN(3, return_sequences=True), merge_mode="mul")(x)
    y = L.Bidirectional(L.GRU(4, return_sequences=True), merge_mode="ave")(y)
    y = L.LSTM(4, go_backwards=True, use_bias=False)(y)
    return keras.Model(x, L.Dense(2, activation="sigmoid")(y))


random = np.random.Generator(np.random.PCG64(5))
for name, build, seed, x in [
    ("keras_tagger", tagger, 11, random.integers(1, 7, 9)),
    ("keras_stack", stack, 12, random.standard_normal((9, 2))),
    ("keras_last", last, 13, random.standard_normal((9, 2))),
]:
    model, exact = both(build, seed)
    remember(name, exact, x)
    model.save(DATA / f"{name}.keras")
    keras_convert.convert(DATA / f"{name}.keras", DATA / f"{name}.safetensors")
    if name == "keras_last":
        model.save_weights(DATA / f"{name}.weights.h5")
        (DATA / f"{name}.config.json").write_text(model.to_json())


# RTNeural's JSON as its exporter writes it: the layers' get_weights() and shapes.


def rtneural(model, **more):
    layers = []
    for layer in model.layers:
        inner = layer.layer if isinstance(layer, L.TimeDistributed) else layer
        kind = {"TimeDistributed": "time-distributed-dense", "PReLU": "prelu"}.get(type(layer).__name__, type(layer).__name__.lower())
        function = getattr(inner, "activation", None)
        activation = "" if function in (None, keras.activations.linear) else function.__name__
        shape = [None, None, layer.output.shape[-1]]
        layers.append({"type": kind, "activation": activation, "shape": shape, "weights": [w.tolist() for w in layer.get_weights()]})
    return {"in_shape": [None, None, model.input_shape[-1]], "layers": layers} | more


def lstm():
    return keras.Sequential([keras.Input((None, 1)), L.LSTM(5, return_sequences=True), L.Dense(1)])


def gru():
    return keras.Sequential([
        keras.Input((None, 2)), L.TimeDistributed(L.Dense(3, activation="tanh")), L.GRU(4, return_sequences=True),
        L.Dense(4, activation="sigmoid"), L.PReLU(shared_axes=[1]), L.Dense(3), L.Activation("elu"), L.LSTM(3, return_sequences=True),
        L.Dense(2, activation="relu"), L.Dense(3, activation="softmax", use_bias=False),
    ])


def convolution():
    return keras.Sequential([keras.Input((None, 1)), L.Conv1D(2, 3), L.BatchNormalization(), L.Dense(1)])


def write(name, content):
    (DATA / name).write_text(json.dumps(content) + "\n")


model, exact = both(lstm, 21)
remember("rtneural_lstm", exact, random.standard_normal((24, 1)))
write("rtneural_lstm.json", rtneural(model))
model, exact = both(gru, 22, scale=0.9)
remember("rtneural_gru", exact, random.standard_normal((12, 2)))
write("rtneural_gru.json", rtneural(model))
write("rtneural_conv1d.json", rtneural(both(convolution, 23)[0]))

# AIDA-X: the network adds its input to its output; the test vector has the skip and not the gains.
model, exact = both(lstm, 24)
x = random.standard_normal((40, 1)).astype(np.float32).astype(np.float64)
y = np.asarray(exact(x[None]))[0] + x
gain = lambda decibel: 10 ** (decibel / 20)
scaled = np.asarray(exact(gain(3.5) * x[None]))[0] + gain(3.5) * x
expected["rtneural_aidax.x"], expected["rtneural_aidax.y"] = x, gain(-6.0) * scaled
write("rtneural_aidax.json", rtneural(
    model, in_skip=1, in_gain=3.5, out_gain=-6.0, input_batch=x[:, 0].tolist(), output_batch=y[:, 0].astype(np.float32).tolist(),
    metadata={"name": "made up", "samplerate": "44100", "esr": 0.0125},
))
write_safetensors(DATA / "keras.safetensors", {k: np.asarray(v, np.int64 if v.dtype.kind == "i" else np.float64) for k, v in expected.items()}, {"generator": "tests/io/make_keras.py", "framework": f"keras {keras.__version__}"})
