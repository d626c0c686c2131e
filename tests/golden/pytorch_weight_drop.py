"""nn.LSTM and nn.GRU whose weight_hh is multiplied with a mask, as AWD-LSTM has it: outputs and every gradient.

The masks are those that the library's layer draws for the seed and the step in the metadata, as the first layer of a
Stack. Objective and batches as in pytorch_recurrent.py.
"""

import torch
from torch import nn
from torch.func import functional_call
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from fixture import Random, save
from philox import child, weight_mask
from pytorch_objective import with_gradients

D, H, LENGTHS = 3, 7, [4, 7, 1, 6, 3]
SEED, STEP, RATE = 31, 12, 0.5


def leaf(value):
    return torch.from_numpy(value).requires_grad_()


def generate(name, seed, module, bidirectional):
    random = Random(seed)
    lengths = torch.tensor(LENGTHS)
    layer = module(D, H, batch_first=True, bidirectional=bidirectional, dtype=torch.float64)
    parameters = {key: leaf(random.normal(*p.shape, scale=H**-0.5)) for key, p in layer.named_parameters()}
    first = child(0, 0)
    places = {"weight_hh_l0": child(first, 0), "weight_hh_l0_reverse": child(first, 1)} if bidirectional else {
        "weight_hh_l0": first
    }
    masks = {key: weight_mask(SEED, STEP, place, RATE, *parameters[key].shape) for key, place in places.items()}
    dropped = parameters | {key: parameters[key] * torch.from_numpy(mask) for key, mask in masks.items()}

    x = leaf(random.normal(len(LENGTHS), max(LENGTHS), D))
    fields = ["h0", "c0"] if module is nn.LSTM else ["h0"]
    states = {key: leaf(random.normal(len(places), len(LENGTHS), H)) for key in fields}
    packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    start = tuple(states.values()) if module is nn.LSTM else states["h0"]
    y, final = functional_call(layer, dropped, (packed, start))
    y, _ = pad_packed_sequence(y, batch_first=True)
    outputs = {"y": y} | dict(zip(["h_n", "c_n"], final if module is nn.LSTM else [final]))
    tensors = with_gradients(parameters | {"x": x} | states, outputs, lengths, random)
    for key, mask in masks.items():
        assert ((tensors[f"grad.{key}"].numpy() != 0) == (mask != 0)).all(), key
    save(
        name,
        tensors,
        generator="tests/golden/pytorch_weight_drop.py",
        framework=f"torch {torch.__version__}",
        layer=module.__name__,
        bidirectional=bidirectional,
        bias="dual",
        weight_dropout=RATE,
        seed=SEED,
        step=STEP,
        objective="sum of r.NAME * NAME over y and the final states",
    )


torch.set_num_threads(1)
generate("pytorch_weight_drop_lstm", 600, nn.LSTM, False)
generate("pytorch_weight_drop_gru", 601, nn.GRU, False)
generate("pytorch_weight_drop_lstm_bidirectional", 602, nn.LSTM, True)
