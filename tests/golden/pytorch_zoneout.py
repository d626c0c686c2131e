"""An LSTM and a GRU with zoneout, written out: in training with the masks that the library draws, else the mean.

Krueger et al. 2017: a unit of h keeps its past where its mask of number 300 has a zero, one of c where that of number 301
has. The layer is the first of a Stack. Objective and batches as in pytorch_recurrent.py.
"""

import numpy as np
import torch
from torch.nn import functional

from fixture import Random, save
from philox import child, join_keys, philox, words_of
from pytorch_objective import with_gradients

D, H, LENGTHS = 3, 7, [4, 7, 1, 6, 0, 3]
SEED, STEP, RATES = 31, 12, {"h": 0.3, "c": 0.5}


def leaf(value):
    return torch.from_numpy(value).requires_grad_()


def kept(number, rate):
    """(T, B, H): 1 where a unit keeps its past."""
    key = words_of(join_keys(join_keys(SEED, STEP), join_keys(child(0, 0), number)))
    of_step = lambda t, b: [word for u in range(0, H, 4) for word in philox([u // 4, t, b, 0], key)][:H]
    words = np.array([[of_step(t, b) for b in range(len(LENGTHS))] for t in range(max(LENGTHS))])
    return torch.from_numpy((words < int(rate * 2**32)).astype(float))


def lstm(x, u, state):
    h, c = state
    i, f, g, o = (x + u).chunk(4, dim=-1)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return o.sigmoid() * c.tanh(), c


def gru(x, u, state):
    (h,) = state
    (x_r, x_z, x_n), (u_r, u_z, u_n) = x.chunk(3, dim=-1), u.chunk(3, dim=-1)
    z = (x_z + u_z).sigmoid()
    return ((1 - z) * (x_n + (x_r + u_r).sigmoid() * u_n).tanh() + z * h,)


def generate(name, seed, step, gates, fields, training):
    random = Random(seed)
    lengths = torch.tensor(LENGTHS)
    batch, steps = len(LENGTHS), max(LENGTHS)
    shapes = {"weight_ih_l0": [D], "weight_hh_l0": [H], "bias_ih_l0": [], "bias_hh_l0": []}
    parameters = {key: leaf(random.normal(gates * H, *rest, scale=H**-0.5)) for key, rest in shapes.items()}
    x = leaf(random.normal(batch, steps, D))
    states = {f"{field}0": leaf(random.normal(1, batch, H)) for field in fields}
    masks = [kept(300 + k, RATES[field]) for k, field in enumerate(fields)]

    state, y = [value[0] for value in states.values()], []
    for t in range(steps):
        of_x = functional.linear(x[:, t], parameters["weight_ih_l0"], parameters["bias_ih_l0"])
        of_h = functional.linear(state[0], parameters["weight_hh_l0"], parameters["bias_hh_l0"])
        runs = (t < lengths)[:, None]
        after = []
        for field, mask, old, new in zip(fields, masks, state, step(of_x, of_h, state)):
            past = mask[t] if training else RATES[field]
            after.append(torch.where(runs, past * old + (1 - past) * new, old))
        state = after
        y.append(torch.where(runs, state[0], 0.0))
    outputs = {"y": torch.stack(y, dim=1)} | {f"{field}_n": value[None] for field, value in zip(fields, state)}
    save(
        name,
        with_gradients(parameters | {"x": x} | states, outputs, lengths, random),
        generator="tests/golden/pytorch_zoneout.py",
        framework=f"torch {torch.__version__}",
        layer=step.__name__,
        training=training,
        rate_h=RATES["h"],
        rate_c=RATES["c"] if "c" in fields else 0,
        seed=SEED,
        step=STEP,
        objective="sum of r.NAME * NAME over y and the final states",
    )


torch.set_num_threads(1)
generate("pytorch_zoneout_lstm", 610, lstm, 4, ["h", "c"], True)
generate("pytorch_zoneout_lstm_mean", 611, lstm, 4, ["h", "c"], False)
generate("pytorch_zoneout_gru", 612, gru, 3, ["h"], True)
generate("pytorch_zoneout_gru_mean", 613, gru, 3, ["h"], False)
