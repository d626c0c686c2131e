"""Cells that PyTorch has no layer of: their equations over its functions, gradients by its autograd, ragged batches.

Parameters are those of an nn layer, and `weight_unit_l0` (H, P), a weight per unit and column. The objective is loss =
sum(r.y * y) + sum(r.h_n * h_n) + sum(r.c_n * c_n); `grad.NAME` is its gradient. A sequence that has ended keeps its state,
one of no steps its initial state; y and grad.x are 0 in the padding.
"""

import torch
from torch.nn import functional

from fixture import Random, save
from pytorch_objective import with_gradients

SMALL = {"D": 3, "H": 6, "lengths": [4, 7, 1, 6, 0, 3]}
# More units than a SIMD register holds and not a multiple of it; lengths with ties.
WIDE = {"D": 10, "H": 19, "lengths": [2, 7, 5, 1, 7, 4, 6, 2, 3, 5, 1]}


def norm(values, gain, shift=None):
    """Over all gates of `values`, (B, gates H), together; gain and shift are columns of weight_unit, one for each gate."""
    shift = None if shift is None else shift.T.flatten()
    return functional.layer_norm(values, values.shape[-1:], gain.T.flatten(), shift, eps=1e-5)


def layer_norm_lstm(x, U, p, state):
    """Ba, Kiros and Hinton 2016, equations 20 to 22. Gates i f g o."""
    h, c = state
    gates = norm(x, p[:, 0:4]) + norm(U(h, 0, 1, 2, 3), p[:, 4:8], p[:, 8:12])
    i, f, g, o = gates.chunk(4, dim=-1)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return o.sigmoid() * norm(c, p[:, 12:13], p[:, 13:14]).tanh(), c


def layer_norm_gru(x, U, p, state):
    """Supplementary equations 22 to 25, the reset after the product. Gates r z n; the gain of U h, then the shift."""
    (h,) = state
    units = h.shape[-1]
    r, z = (norm(x[:, : 2 * units], p[:, 0:2]) + norm(U(h, 0, 1), p[:, 3:5], p[:, 6:8])).sigmoid().chunk(2, dim=-1)
    n = (norm(x[:, 2 * units :], p[:, 2:3], p[:, 8:9]) + r * norm(U(h, 2), p[:, 5:6], p[:, 9:10])).tanh()
    return ((1 - z) * n + z * h,)


def minimal_gated_unit(x, U, p, state):
    """Zhou et al. 2016. Gates f n."""
    (h,) = state
    x_f, x_n = x.chunk(2, dim=-1)
    f = (x_f + U(h, 0)).sigmoid()
    n = (x_n + U(f * h, 1)).tanh()
    return ((1 - f) * h + f * n,)


def min_gru(x, U, p, state):
    """Feng et al. 2024. Gates z n; no U."""
    (h,) = state
    z, n = x.chunk(2, dim=-1)
    return ((1 - z.sigmoid()) * h + z.sigmoid() * n,)


def min_lstm(x, U, p, state):
    """Feng et al. 2024. Gates f i n; no U."""
    (h,) = state
    f, i, n = x.chunk(3, dim=-1)
    f, i = f.sigmoid(), i.sigmoid()
    return (f / (f + i) * h + i / (f + i) * n,)


def coupled_gate_lstm(x, U, p, state):
    """Greff et al. 2017. Gates f g o."""
    h, c = state
    f, g, o = (x + U(h, 0, 1, 2)).chunk(3, dim=-1)
    c = f.sigmoid() * c + (1 - f.sigmoid()) * g.tanh()
    return o.sigmoid() * c.tanh(), c


def ind_rnn(x, U, p, state):
    """Li et al. 2018, with the rectifier."""
    (h,) = state
    return ((x + p[:, 0] * h).relu(),)


def slstm(x, U, p, state):
    """Beck et al. 2024, with the stabiliser m. Gates i f z o; the state has the mean c / n and 30 + log n."""
    h, mean, log_n = state
    i, f, z, o = (x + U(h, 0, 1, 2, 3)).chunk(4, dim=-1)
    c, n, m = mean, torch.ones_like(mean), log_n - 30
    after = torch.maximum(functional.logsigmoid(f) + m, i)
    i, f = (i - after).exp(), (functional.logsigmoid(f) + m - after).exp()
    c, n = f * c + i * z.tanh(), f * n + i
    return o.sigmoid() * c / n, c / n, 30 + after + n.log()


def mogrifier_lstm(x, U, p, state):
    """Melis et al. 2020, five rounds. Products U and V of i f g o, then Q R Q R Q."""
    h, c = state
    v = 2 * U(h, 8).sigmoid() * x
    h = 2 * U(v, 9).sigmoid() * h
    v = 2 * U(h, 10).sigmoid() * v
    h = 2 * U(v, 11).sigmoid() * h
    v = 2 * U(h, 12).sigmoid() * v
    i, f, g, o = (U(h, 0, 1, 2, 3) + U(v, 4, 5, 6, 7)).chunk(4, dim=-1)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return o.sigmoid() * c.tanh(), c


def lru(x, U, p, state):
    """Orvieto et al. 2023. Gates Re B x, Im B x, D x; products Re C and -Im C; weights nu, tan(angle / 2), log gamma."""
    _, re, im = state
    x_re, x_im, x_out = x.chunk(3, dim=-1)
    lambda_ = torch.polar((-p[:, 0].exp()).exp(), 2 * p[:, 1].atan())
    s = lambda_ * torch.complex(re, im) + p[:, 2].exp() * torch.complex(x_re, x_im)
    return U(s.real, 0) + U(s.imag, 1) + x_out, s.real, s.imag


# Its gates of x and of h, its state fields, its weights per unit. U(v, g, ..) of a step is U_g v + b_hg of these gates.
CELLS = {
    layer_norm_lstm: (4, 4, ["h", "c"], 14),
    layer_norm_gru: (3, 3, ["h"], 10),
    minimal_gated_unit: (2, 2, ["h"], 0),
    min_gru: (2, 0, ["h"], 0),
    min_lstm: (3, 0, ["h"], 0),
    coupled_gate_lstm: (3, 3, ["h", "c"], 0),
    ind_rnn: (1, 0, ["h"], 1),
    slstm: (4, 4, ["h", "c", "n"], 0),
    mogrifier_lstm: (1, 13, ["h", "c"], 0),
    lru: (3, 2, ["h", "c", "n"], 3),
}
SHAPES = {"": (SMALL, "dual"), "_no_bias": (SMALL, "none"), "_wide": (WIDE, "dual")}


def leaf(value):
    return torch.from_numpy(value).requires_grad_()


def generate(name, seed, step, size, bias):
    gates, recurrent, fields, per_unit = CELLS[step]
    random = Random(seed)
    features, hidden, lengths = size["D"], size["H"], torch.tensor(size["lengths"])
    batch, steps = len(lengths), int(lengths.max())
    shapes = {"weight_ih_l0": [gates * hidden, features]}
    if recurrent > 0:
        shapes |= {"weight_hh_l0": [recurrent * hidden, hidden]}
    if bias == "dual":
        shapes |= {"bias_ih_l0": [gates * hidden]}
    if bias == "dual" and recurrent > 0:
        shapes |= {"bias_hh_l0": [recurrent * hidden]}
    parameters = {key: leaf(random.normal(*shape, scale=hidden**-0.5)) for key, shape in shapes.items()}
    if per_unit > 0:
        parameters["weight_unit_l0"] = leaf(random.normal(hidden, per_unit))
    x = leaf(random.normal(batch, steps, features))
    states = {f"{field}0": leaf(random.normal(1, batch, hidden)) for field in fields}

    def U(v, *of):
        rows = torch.cat([torch.arange(g * hidden, (g + 1) * hidden) for g in of])
        b = parameters["bias_hh_l0"][rows] if bias == "dual" else None
        return functional.linear(v, parameters["weight_hh_l0"][rows], b)

    state, y = [value[0] for value in states.values()], []
    for t in range(steps):
        gates_of_x = functional.linear(x[:, t], parameters["weight_ih_l0"], parameters.get("bias_ih_l0"))
        runs = (t < lengths)[:, None]
        after = step(gates_of_x, U, parameters.get("weight_unit_l0"), state)
        state = [torch.where(runs, new, old) for new, old in zip(after, state)]
        y.append(torch.where(runs, state[0], 0.0))
    outputs = {"y": torch.stack(y, dim=1)} | {f"{field}_n": value[None] for field, value in zip(fields, state)}
    inputs = parameters | {"x": x} | states
    save(
        name,
        with_gradients(inputs, outputs, lengths, random),
        generator="tests/golden/pytorch_equations.py",
        framework=f"torch {torch.__version__}",
        layer=step.__name__,
        num_layers=1,
        bidirectional=False,
        bias=bias,
        objective="sum of r.NAME * NAME over y and the final states",
    )


torch.set_num_threads(1)
seed = 500
for step in CELLS:
    for shape, (size, bias) in SHAPES.items():
        seed += 1
        generate(f"pytorch_{step.__name__}{shape}", seed, step, size, bias)
