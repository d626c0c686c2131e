"""nn.RNN (tanh, relu), nn.LSTM, with proj_size too, and nn.GRU over packed ragged batches: outputs and every gradient.

The objective is loss = sum(r.y * y) + sum(r.h_n * h_n) + sum(r.c_n * c_n); `grad.NAME` is its gradient. Sequences are
packed with enforce_sorted=False, so rows are in the caller's order and y, grad.x are 0 in the padding.
"""

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from fixture import Random, save
from pytorch_objective import with_gradients

SMALL = {"D": 3, "H": 6, "lengths": [4, 7, 1, 6, 3]}
# More units than a SIMD register holds and not a multiple of it; lengths with ties.
WIDE = {"D": 10, "H": 19, "lengths": [2, 7, 5, 1, 7, 4, 6, 2, 3, 5, 1]}

CELLS = {
    "rnn_tanh": (nn.RNN, {"nonlinearity": "tanh"}),
    "rnn_relu": (nn.RNN, {"nonlinearity": "relu"}),
    "lstm": (nn.LSTM, {}),
    "gru": (nn.GRU, {}),
}
SHAPES = {
    "": (SMALL, {}),
    "_no_bias": (SMALL, {"bias": False}),
    "_two_layers": (SMALL, {"num_layers": 2}),
    "_bidirectional": (SMALL, {"bidirectional": True}),
    "_two_layers_bidirectional": (SMALL, {"num_layers": 2, "bidirectional": True}),
    "_two_layers_bidirectional_no_bias": (SMALL, {"num_layers": 2, "bidirectional": True, "bias": False}),
    "_wide": (WIDE, {}),
}


def leaf(value):
    return torch.from_numpy(value).requires_grad_()


def generate(name, seed, module, cell_options, size, options):
    random = Random(seed)
    features, hidden, lengths = size["D"], size["H"], torch.tensor(size["lengths"])
    batch, steps = len(lengths), int(lengths.max())
    layer = module(features, hidden, batch_first=True, dtype=torch.float64, **cell_options, **options)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.from_numpy(random.normal(*parameter.shape, scale=hidden**-0.5)))

    x = leaf(random.normal(batch, steps, features))
    rows = layer.num_layers * (2 if layer.bidirectional else 1)
    widths = {"h0": layer.proj_size or hidden} | ({"c0": hidden} if module is nn.LSTM else {})
    states = {key: leaf(random.normal(rows, batch, width)) for key, width in widths.items()}
    packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    y, final = layer(packed, tuple(states.values()) if module is nn.LSTM else states["h0"])
    y, _ = pad_packed_sequence(y, batch_first=True)
    outputs = {"y": y} | dict(zip(["h_n", "c_n"], final if module is nn.LSTM else [final]))
    inputs = dict(layer.named_parameters()) | {"x": x} | states
    save(
        name,
        with_gradients(inputs, outputs, lengths, random),
        generator="tests/golden/pytorch_recurrent.py",
        framework=f"torch {torch.__version__}",
        layer=module.__name__,
        nonlinearity=cell_options.get("nonlinearity", ""),
        num_layers=layer.num_layers,
        bidirectional=layer.bidirectional,
        bias="dual" if layer.bias else "none",
        objective="sum of r.NAME * NAME over y and the final states",
    )


torch.set_num_threads(1)
seed = 100
for cell, (module, cell_options) in CELLS.items():
    for shape, (size, options) in SHAPES.items():
        seed += 1
        if cell + shape == "rnn_relu_wide":
            continue
        generate(f"pytorch_{cell}{shape}", seed, module, cell_options, size, options)
for shape in ["", "_two_layers_bidirectional", "_wide"]:
    seed += 1
    size, options = SHAPES[shape]
    generate(f"pytorch_projected_lstm{shape}", seed, nn.LSTM, {"proj_size": 4}, size, options)
