"""The ten steps of pytorch_optimizers.py with Keras's optimizers, in the same tensor names.

Differences to know: Keras's Adam takes epsilon-hat (epsilon beside the uncorrected root), RMSprop keeps epsilon inside
the root, weight_decay is decoupled for every optimizer (w -= w * decay * rate, after clipping and before the update),
clipnorm works per variable. The embedding's row 0 is an ordinary row: id 0 is masked, so only its moments and decay move it.

Gradients of the embedding are made dense before they are applied. Under TensorFlow, Keras 3.15 would square the slices of
a word that occurs twice in a batch one by one (v gets the sum of squares, not the square of the sum); the other backends do
what is done here.
"""

import json
import os

os.environ |= {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
os.environ |= {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "TF_ENABLE_ONEDNN_OPTS": "0"}

import keras
import numpy as np
import tensorflow as tf

from fixture import Random, save
from keras_layout import from_keras, names, to_keras

keras.config.set_floatx("float64")
optimizers = keras.optimizers

KEPT = [1, 2, 10]
STEPS, B, T, V, D, H, C = 10, 4, 6, 11, 3, 5, 2

# Coefficients that are exact in float32: Keras rounds some uses of beta, momentum and decay to it, whatever the variables' type.
ADAM = {"learning_rate": 0.05, "beta_1": 0.875, "beta_2": 1 - 2**-10}

VARIANTS = {
    "sgd": (optimizers.SGD, {"learning_rate": 0.3}),
    "sgd_momentum": (optimizers.SGD, {"learning_rate": 0.2, "momentum": 0.875}),
    "nesterov": (optimizers.SGD, {"learning_rate": 0.2, "momentum": 0.875, "nesterov": True}),
    "rmsprop": (optimizers.RMSprop, {"learning_rate": 0.02}),
    "adam": (optimizers.Adam, ADAM),
    "adam_epsilon": (optimizers.Adam, ADAM | {"epsilon": 1e-3}),
    "adam_weight_decay": (optimizers.Adam, ADAM | {"weight_decay": 0.125}),
    "sgd_clipnorm": (optimizers.SGD, {"learning_rate": 0.5, "clipnorm": 0.1}),
    "sgd_global_clipnorm": (optimizers.SGD, {"learning_rate": 0.5, "global_clipnorm": 0.2}),
    "sgd_clipvalue": (optimizers.SGD, {"learning_rate": 0.5, "clipvalue": 0.01}),
    "adam_global_clipnorm": (optimizers.Adam, ADAM | {"global_clipnorm": 0.2}),
    "adam_clipnorm_weight_decay": (optimizers.Adam, ADAM | {"clipnorm": 0.1, "weight_decay": 0.125}),
}
NAMES = ["0.weight"] + [f"1.{name}" for suffix in ["l0", "l0_reverse"] for name in names("lstm", "single", suffix)] + ["2.weight", "2.bias"]
SHAPES = [(V, D)] + [(4 * H, D), (4 * H, H), (4 * H,)] * 2 + [(C, 2 * H), (C,)]


def convert(values, recurrent):
    """The list of weights (or gradients) with the two LSTMs and the Dense layer turned by `recurrent`."""
    return [values[0], *recurrent("lstm", values[1:4]), *recurrent("lstm", values[4:7]), values[7].T, values[8]]


def batches(random):
    ids, lengths = random.integers(1, 7, STEPS, B, T), random.integers(1, T + 1, STEPS, B)
    lengths[:, 1] = T
    ids[0, 1, :4], ids[1, 1, 2] = [9, 8, 10, 9], 8
    lengths[3, 2], lengths[5, 0] = 1, 1
    for step in range(STEPS):
        for row in range(B):
            ids[step, row, lengths[step, row] :] = 0
    return ids, lengths, random.integers(0, C, STEPS, B)


def train(variant, initial, ids, labels):
    optimizer_class, options = VARIANTS[variant]
    model = keras.Sequential(
        [
            keras.layers.Embedding(V, D, mask_zero=True),
            keras.layers.Bidirectional(keras.layers.LSTM(H, use_cudnn=False)),
            keras.layers.Dense(C),
        ]
    )
    model.build((B, T))
    model.set_weights(convert(initial, to_keras))
    optimizer = optimizer_class(**options)
    loss_function = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    tensors, losses = {}, []
    for step in range(1, STEPS + 1):
        with tf.GradientTape() as tape:
            loss = loss_function(labels[step - 1], model(ids[step - 1]))
        gradients = [tf.convert_to_tensor(gradient) for gradient in tape.gradient(loss, model.trainable_variables)]
        optimizer.apply(gradients, model.trainable_variables)
        losses.append(float(loss))
        if step in KEPT:
            weights = convert([np.array(value) for value in model.get_weights()], from_keras)
            tensors |= {f"{variant}.after_{step}.{name}": value for name, value in zip(NAMES, weights)}
    return tensors | {f"{variant}.losses": losses}


def main():
    random = Random(702)
    initial = [random.normal(*shape, scale=0.6) for shape in SHAPES]
    ids, lengths, labels = batches(random)
    tensors = dict(zip(NAMES, initial)) | {"ids": ids, "lengths": lengths, "labels": labels}
    about = {}
    for variant, (optimizer, options) in VARIANTS.items():
        tensors |= train(variant, initial, ids, labels)
        about[f"options.{variant}"] = json.dumps({"optimizer": optimizer.__name__} | options)
    save(
        "keras_optimizers",
        tensors,
        generator="tests/golden/keras_optimizers.py",
        framework=f"keras {keras.__version__}, tensorflow {tf.__version__}",
        variants=" ".join(VARIANTS),
        bias="single",
        **about,
    )


main()
