"""Truncated backpropagation through time: windows of K steps, the state detached at every border.

The gradient is the sum over the windows. The objective is sum(r.y * y) over all steps plus sum(r.h_n * h_n) and
sum(r.c_n * c_n) of the last window's final state. Tensors of a window length start with `k3.`, `k7.` (K = T, one window)
and `full.` (no truncation; equal to `k7.`). The outputs are the same for every K.
"""

import torch
from torch import nn

from fixture import Random, save


def leaf(value):
    return torch.from_numpy(value).requires_grad_()


def generate(name, seed, layers):
    random = Random(seed)
    batch, steps, features, hidden = 5, 7, 3, 6
    layer = nn.LSTM(features, hidden, num_layers=layers, batch_first=True, dtype=torch.float64)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.from_numpy(random.normal(*parameter.shape, scale=0.6)))
    x, h0, c0 = (random.normal(batch, steps, features), *(random.normal(layers, batch, hidden) for _ in range(2)))
    weights = {"y": random.normal(batch, steps, hidden), "h_n": random.normal(layers, batch, hidden), "c_n": random.normal(layers, batch, hidden)}
    weights = {key: torch.from_numpy(value) for key, value in weights.items()}
    tensors = dict(layer.named_parameters()) | {"x": x, "h0": h0, "c0": c0} | {f"r.{key}": value for key, value in weights.items()}

    for variant, window in {"k3": 3, "k7": 7, "full": steps}.items():
        layer.zero_grad()
        inputs = {"x": leaf(x), "h0": leaf(h0), "c0": leaf(c0)}
        state = (inputs["h0"], inputs["c0"])
        outputs = []
        for begin in range(0, steps, window):
            y, state = layer(inputs["x"][:, begin : begin + window], state)
            loss = (weights["y"][:, begin : begin + window] * y).sum()
            if begin + window >= steps:
                loss = loss + (weights["h_n"] * state[0]).sum() + (weights["c_n"] * state[1]).sum()
            loss.backward()
            state = tuple(part.detach() for part in state)
            outputs.append(y)
        tensors |= {"y": torch.cat(outputs, dim=1), "h_n": state[0], "c_n": state[1]}
        gradients = {key: value.grad.clone() for key, value in (dict(layer.named_parameters()) | inputs).items()}
        tensors |= {f"{variant}.grad.{key}": value for key, value in gradients.items()}
    save(
        name,
        tensors,
        generator="tests/golden/pytorch_truncated.py",
        framework=f"torch {torch.__version__}",
        variants="k3 k7 full",
        num_layers=layers,
        bias="dual",
    )


torch.set_num_threads(1)
generate("pytorch_lstm_truncated", 401, 1)
generate("pytorch_lstm_truncated_two_layers", 402, 2)
