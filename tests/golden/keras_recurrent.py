"""Keras SimpleRNN, LSTM, GRU (both forms) and Bidirectional under masks: outputs, final states and every gradient.

The masks have holes, leading masked steps, an all-masked row and right padding. One file per layer holds the weights,
x, mask, h0, c0 once, and for each variant VARIANT.y, VARIANT.h_n, VARIANT.c_n, VARIANT.loss and VARIANT.grad.NAME.
The objective is sum(r.y * y) + sum(r.h_n * h_n) + sum(r.c_n * c_n), with r.last in place of r.y where y has no time axis.
"""

import os

os.environ |= {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
os.environ |= {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "TF_ENABLE_ONEDNN_OPTS": "0"}

import keras
import numpy as np
import tensorflow as tf

from fixture import Random, save
from keras_layout import from_keras, names, to_keras

keras.config.set_floatx("float64")
ABOUT = {"generator": "tests/golden/keras_recurrent.py", "framework": f"keras {keras.__version__}, tensorflow {tf.__version__}"}

B, T, D, H = 5, 7, 3, 6
MASK = np.array(
    [
        [1, 0, 1, 1, 0, 0, 1],  # holes
        [1, 1, 1, 1, 1, 1, 1],
        [0, 0, 1, 1, 0, 1, 1],  # leading masked steps
        [0, 0, 0, 0, 0, 0, 0],  # all masked
        [1, 1, 1, 1, 0, 0, 0],  # right padding
    ],
    dtype=bool,
)
LAYERS = {  # file: Keras class, kind, options, biases
    "simple_rnn": (keras.layers.SimpleRNN, "simple_rnn", {}, "single"),
    "lstm": (keras.layers.LSTM, "lstm", {"use_cudnn": False}, "single"),
    "gru": (keras.layers.GRU, "gru", {"reset_after": True, "use_cudnn": False}, "dual"),
    "gru_reset_before": (keras.layers.GRU, "gru", {"reset_after": False, "use_cudnn": False}, "single"),
}
SEQUENCE = {"return_sequences": True}
VARIANTS = {  # options beside return_state=True
    "repeat": SEQUENCE,
    "zero": SEQUENCE | {"zero_output_for_mask": True},
    "backwards_repeat": SEQUENCE | {"go_backwards": True},
    "backwards_zero": SEQUENCE | {"go_backwards": True, "zero_output_for_mask": True},
    "last": {},
    "backwards_last": {"go_backwards": True},
    "no_mask": SEQUENCE,
    "no_bias": SEQUENCE | {"use_bias": False},
}
BIDIRECTIONAL_VARIANTS = [f"{merge}{suffix}" for merge in ["concat", "sum", "ave", "mul", "none"] for suffix in ["", "_last"]]


def weights_of(kind, bias, random, suffix):
    gates = {"simple_rnn": 1, "lstm": 4, "gru": 3}[kind]
    shapes = [(gates * H, D), (gates * H, H), (gates * H,), (gates * H,)]
    return {name: random.normal(*shape, scale=0.5) for name, shape in zip(names(kind, bias, suffix), shapes)}


def run(layer, inputs, state_names, mask, objective):
    """Calls the layer; returns its outputs, final states, the loss, and the gradients of x, the states and the weights as Keras holds them."""
    states = [tf.constant(inputs[name]) for name in state_names]
    x = tf.constant(inputs["x"])
    with tf.GradientTape() as tape:
        tape.watch([x, *states])
        y, *final = layer(x, mask=None if mask is None else tf.constant(mask), initial_state=states)
        ys = y if isinstance(y, (list, tuple)) else [y]
        loss = sum(tf.reduce_sum(w * part) for w, part in zip(objective(), [*ys, *final]))
    gradients = tape.gradient(loss, [x, *states, *layer.trainable_variables])
    return ys, final, loss, gradients[0], gradients[1 : 1 + len(states)], gradients[1 + len(states) :]


def single_direction(file, seed, keras_class, kind, options, bias):
    random = Random(seed)
    state_keys = ["h", "c"] if kind == "lstm" else ["h"]
    parameters = weights_of(kind, bias, random, "l0")
    inputs = {"x": random.normal(B, T, D)} | {f"{key}0": random.normal(B, H) for key in state_keys}
    r = {"y": random.normal(B, T, H), "last": random.normal(B, H)} | {f"{key}_n": random.normal(B, H) for key in state_keys}
    tensors = parameters | inputs | {"mask": MASK} | {f"r.{key}": value for key, value in r.items()}

    for variant, call in VARIANTS.items():
        layer = keras_class(H, return_state=True, **options, **call)
        layer.build((B, T, D))
        used = dict(list(parameters.items())[: 2 if variant == "no_bias" else None])
        layer.set_weights(to_keras(kind, list(used.values())))
        output_key = "y" if call.get("return_sequences") else "last"
        y, final, loss, d_x, d_states, d_weights = run(
            layer,
            inputs,
            [f"{key}0" for key in state_keys],
            None if variant == "no_mask" else MASK,
            lambda: [r[output_key], *(r[f"{key}_n"] for key in state_keys)],
        )
        tensors |= {f"{variant}.y": y[0].numpy(), f"{variant}.loss": loss.numpy(), f"{variant}.grad.x": d_x.numpy()}
        for key, value, gradient in zip(state_keys, final, d_states):
            tensors |= {f"{variant}.{key}_n": value.numpy(), f"{variant}.grad.{key}0": gradient.numpy()}
        for name, gradient in zip(used, from_keras(kind, d_weights)):
            tensors[f"{variant}.grad.{name}"] = gradient
    save(f"keras_{file}", tensors, variants=" ".join(VARIANTS), bias=bias, layer=keras_class.__name__, options=options, **ABOUT)


def bidirectional(file, seed, keras_class, kind, options, bias, variants):
    random = Random(seed)
    state_keys = ["h", "c"] if kind == "lstm" else ["h"]
    directions = ["l0", "l0_reverse"]
    parameters = weights_of(kind, bias, random, directions[0]) | weights_of(kind, bias, random, directions[1])
    inputs = {"x": random.normal(B, T, D)} | {f"{key}0": random.normal(2, B, H) for key in state_keys}
    r = {f"{key}_n": random.normal(2, B, H) for key in state_keys}
    r |= {"y": random.normal(B, T, 2 * H), "last": random.normal(B, 2 * H)}
    tensors = parameters | inputs | {"mask": MASK} | {f"r.{key}": value for key, value in r.items()}
    # Keras orders states by direction, then h and c.
    state_names = [(key, row) for row in range(2) for key in state_keys]
    flat_inputs = {"x": inputs["x"]} | {f"{key}0.{row}": inputs[f"{key}0"][row] for key, row in state_names}

    for variant in variants:
        merge, _, last = variant.partition("_")
        inner = keras_class(H, return_sequences=not last, return_state=True, **options)
        layer = keras.layers.Bidirectional(inner, merge_mode=None if merge == "none" else merge)
        layer.build((B, T, D))
        count = len(parameters) // 2
        values = list(parameters.values())
        layer.set_weights(to_keras(kind, values[:count]) + to_keras(kind, values[count:]))

        def objective():
            weight = r["last" if last else "y"]
            joined = np.split(weight, 2, axis=-1)
            of_outputs = {"concat": [weight], "none": joined}.get(merge, joined[:1])
            return [*of_outputs, *(r[f"{key}_n"][row] for key, row in state_names)]

        if merge == "none":  # Returned as [forward, backward, *states].
            original = layer

            def split(x, mask, initial_state):
                y_forward, y_reverse, *final = original(x, mask=mask, initial_state=initial_state)
                return [y_forward, y_reverse], *final

            split.trainable_variables = original.trainable_variables
            layer = split
        ys, final, loss, d_x, d_states, d_weights = run(
            layer, flat_inputs, [f"{key}0.{row}" for key, row in state_names], MASK, objective
        )
        y = {"y": ys[0]} if len(ys) == 1 else {"y_forward": ys[0], "y_reverse": ys[1]}
        tensors |= {f"{variant}.{key}": value.numpy() for key, value in y.items()}
        tensors |= {f"{variant}.loss": loss.numpy(), f"{variant}.grad.x": d_x.numpy()}
        for key in state_keys:
            rows = [index for index, (name, _) in enumerate(state_names) if name == key]
            tensors[f"{variant}.{key}_n"] = np.stack([final[row].numpy() for row in rows])
            tensors[f"{variant}.grad.{key}0"] = np.stack([d_states[row].numpy() for row in rows])
        half = len(d_weights) // 2
        gradients = from_keras(kind, d_weights[:half]) + from_keras(kind, d_weights[half:])
        tensors |= {f"{variant}.grad.{name}": gradient for name, gradient in zip(parameters, gradients)}
    save(f"keras_bidirectional_{file}", tensors, variants=" ".join(variants), bias=bias, layer=keras_class.__name__, options=options, **ABOUT)


if __name__ == "__main__":
    for index, (file, layer) in enumerate(LAYERS.items()):
        single_direction(file, 500 + index, *layer)
        all_variants = file == "lstm"
        bidirectional(file, 550 + index, *layer, BIDIRECTIONAL_VARIANTS if all_variants else ["concat", "mul_last"])
