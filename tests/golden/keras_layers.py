"""Keras Embedding(mask_zero) -> LSTM -> LSTM (last output) -> Dense, and losses with sample weights.

Ids hold 0 at the end, inside and in front: every 0 is a masked step for both LSTMs, and row 0 of the embedding gets no
gradient because its outputs are never read. Names are those of Sequential{Embedding, LSTM, LSTM, Dense}.
"""

import os

os.environ |= {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
os.environ |= {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "TF_ENABLE_ONEDNN_OPTS": "0"}

import keras
import numpy as np
import tensorflow as tf

from fixture import Random, save
from keras_layout import from_keras, to_keras

keras.config.set_floatx("float64")
ABOUT = {"generator": "tests/golden/keras_layers.py", "framework": f"keras {keras.__version__}, tensorflow {tf.__version__}"}


def classifier():
    random = Random(601)
    shapes = {"0.weight": (13, 3)}
    for layer, inputs, hidden in [(1, 3, 6), (2, 6, 4)]:
        shapes |= {f"{layer}.weight_ih_l0": (4 * hidden, inputs), f"{layer}.weight_hh_l0": (4 * hidden, hidden)}
        shapes |= {f"{layer}.bias_ih_l0": (4 * hidden,)}
    shapes |= {"3.weight": (1, 4), "3.bias": (1,)}
    values = {name: random.normal(*shape, scale=0.5) for name, shape in shapes.items()}
    ids = np.array([[3, 0, 5, 12, 0, 0, 7], [1, 2, 3, 4, 5, 6, 7], [0, 0, 9, 3, 8, 8, 11], [6, 1, 10, 0, 0, 0, 0], [4, 0, 0, 0, 0, 0, 0]])
    labels = np.array([1, 0, 0, 1, 1])

    model = keras.Sequential(
        [
            keras.layers.Embedding(13, 3, mask_zero=True),
            keras.layers.LSTM(6, return_sequences=True, use_cudnn=False),
            keras.layers.LSTM(4, use_cudnn=False),
            keras.layers.Dense(1),
        ]
    )
    model.build((5, 7))
    flat = list(values.values())
    model.set_weights([flat[0], *to_keras("lstm", flat[1:4]), *to_keras("lstm", flat[4:7]), flat[7].T, flat[8]])
    with tf.GradientTape() as tape:
        logits = model(ids)
        loss = keras.losses.BinaryCrossentropy(from_logits=True)(labels[:, None].astype(float), logits)
    gradients = [np.asarray(tf.convert_to_tensor(part)) for part in tape.gradient(loss, model.trainable_variables)]
    converted = [gradients[0], *from_keras("lstm", gradients[1:4]), *from_keras("lstm", gradients[4:7]), gradients[7].T, gradients[8]]
    tensors = values | {"ids": ids, "mask": ids != 0, "labels": labels, "logits": logits.numpy(), "loss": loss.numpy()}
    save("keras_classifier", tensors | {f"grad.{name}": value for name, value in zip(values, converted)}, bias="single", **ABOUT)


def losses():
    """CASE.logits, CASE.targets, CASE.sample_weight, CASE.loss, CASE.grad. Keras divides by the batch size, not by the sum of the weights."""
    random, tensors = Random(602), {}
    rows, classes = 6, 4

    def case(name, loss_function, values, targets, sample_weight=None):
        logits = tf.constant(values)
        with tf.GradientTape() as tape:
            tape.watch(logits)
            loss = loss_function(targets, logits, sample_weight=sample_weight)
        gradient = tape.gradient(loss, logits)
        tensors.update({f"{name}.logits": values, f"{name}.targets": targets, f"{name}.loss": loss.numpy(), f"{name}.grad": gradient.numpy()})
        if sample_weight is not None:
            tensors[f"{name}.sample_weight"] = sample_weight

    weight = 0.2 + random.generator.random(rows)
    binary = random.integers(0, 2, rows, 1).astype(float)
    labels = random.integers(0, classes, rows)
    case("binary", keras.losses.BinaryCrossentropy(from_logits=True), random.normal(rows, 1, scale=2), binary)
    case("binary_sample_weight", keras.losses.BinaryCrossentropy(from_logits=True), random.normal(rows, 1, scale=2), binary, weight)
    case("sparse", keras.losses.SparseCategoricalCrossentropy(from_logits=True), random.normal(rows, classes, scale=2), labels)
    case("sparse_sample_weight", keras.losses.SparseCategoricalCrossentropy(from_logits=True), random.normal(rows, classes, scale=2), labels, weight)
    smoothing = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.15)
    case("label_smoothing_sample_weight", smoothing, random.normal(rows, classes, scale=2), np.eye(classes)[labels], weight)
    case("mean_squared_error_sample_weight", keras.losses.MeanSquaredError(), random.normal(rows, 3), random.normal(rows, 3), weight)
    save("keras_losses", tensors, label_smoothing="0.15", reduction="sum_over_batch_size", **ABOUT)


classifier()
losses()
