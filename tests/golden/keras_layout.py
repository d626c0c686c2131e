"""Keras arrays in PyTorch's layout and back: gate rows (G H, D), order i f g o and r z n."""

import numpy as np

GATES = {"simple_rnn": [0], "lstm": [0, 1, 2, 3], "gru": [1, 0, 2]}  # Keras: i f c o, z r h


def names(kind, bias, suffix):
    """Parameter names of one layer in the order of its Keras weights."""
    result = [f"weight_ih_{suffix}", f"weight_hh_{suffix}"]
    return result + {"none": [], "single": [f"bias_ih_{suffix}"], "dual": [f"bias_ih_{suffix}", f"bias_hh_{suffix}"]}[bias]


def from_keras(kind, arrays):
    """[kernel (D, G H), recurrent kernel (H, G H), bias (G H) or (2, G H)] -> [W_ih, W_hh, b_ih, b_hh as far as present]."""
    kernel, recurrent, *bias = (np.asarray(array) for array in arrays)
    order = GATES[kind]

    def rows(array):
        blocks = np.split(array, len(order), axis=0)
        return np.concatenate([blocks[gate] for gate in order], axis=0)

    biases = [row for array in bias for row in np.atleast_2d(array)]
    return [rows(kernel.T), rows(recurrent.T), *(rows(row) for row in biases)]


def to_keras(kind, arrays):
    """The inverse of from_keras; two biases become one array of shape (2, G H)."""
    weight_ih, weight_hh, *bias = arrays
    order = np.argsort(GATES[kind])

    def rows(array):
        blocks = np.split(array, len(order), axis=0)
        return np.concatenate([blocks[gate] for gate in order], axis=0)

    biases = [rows(array) for array in bias]
    joined = [np.stack(biases)] if len(biases) == 2 else biases
    return [rows(weight_ih).T, rows(weight_hh).T, *joined]
