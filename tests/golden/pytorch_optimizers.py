"""Ten steps of a small bidirectional classifier: losses, and all weights after steps 1, 2 and 10.

Sequential{Embedding, FinalState{Bidirectional LSTM, concatenated}, Dense} on batch k = ids[k], lengths[k], labels[k];
loss is the mean cross entropy. Rows 9 and 10 of the embedding occur in the first batch only, row 8 in the first two,
row 7 never, row 0 is padding (zero, no gradient). VARIANT.losses holds the loss before each step, VARIANT.after_K.NAME
a weight after K steps; the metadata `options.VARIANT` say which optimizer ran.
"""

import json

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils import clip_grad_norm_
from torch.nn.utils.rnn import pack_padded_sequence

from fixture import Random, save

KEPT = [1, 2, 10]
STEPS, B, T, V, D, H, C = 10, 4, 6, 11, 3, 5, 2

ADAM = {"lr": 0.05}
VARIANTS = {  # optimizer, its options, what else happens
    "sgd": (torch.optim.SGD, {"lr": 0.3}, {}),
    "sgd_momentum": (torch.optim.SGD, {"lr": 0.2, "momentum": 0.9}, {}),
    "sgd_momentum_l2": (torch.optim.SGD, {"lr": 0.2, "momentum": 0.9, "weight_decay": 0.02}, {}),
    "nesterov": (torch.optim.SGD, {"lr": 0.2, "momentum": 0.9, "nesterov": True}, {}),
    "rmsprop": (torch.optim.RMSprop, {"lr": 0.02, "alpha": 0.9}, {}),
    "rmsprop_momentum": (torch.optim.RMSprop, {"lr": 0.01, "alpha": 0.9, "momentum": 0.8}, {}),
    "adam": (torch.optim.Adam, ADAM, {}),
    "adam_betas": (torch.optim.Adam, ADAM | {"betas": (0.8, 0.95), "eps": 1e-4}, {}),
    "adam_l2": (torch.optim.Adam, ADAM | {"weight_decay": 0.05}, {}),
    "adamw": (torch.optim.AdamW, ADAM | {"weight_decay": 0.1}, {}),
    "adamw_groups": (torch.optim.AdamW, ADAM | {"weight_decay": 0.1}, {"groups": True}),
    "adam_clipped": (torch.optim.Adam, ADAM, {"max_norm": 0.2}),
    "sgd_clipped": (torch.optim.SGD, {"lr": 0.5}, {"max_norm": 0.2}),
    "adam_thawed": (torch.optim.Adam, ADAM, {"thaw_embedding_before_step": 5}),
    "adam_decayed_rate": (torch.optim.Adam, ADAM, {"gamma": 0.8}),
}


class Classifier(nn.ModuleList):
    def __init__(self):
        super().__init__([nn.Embedding(V, D, padding_idx=0), nn.LSTM(D, H, batch_first=True, bidirectional=True), nn.Linear(2 * H, C)])

    def forward(self, ids, lengths):
        packed = pack_padded_sequence(self[0](ids), lengths, batch_first=True, enforce_sorted=False)
        _, (h_n, _) = self[1](packed)
        return self[2](torch.cat([h_n[0], h_n[1]], dim=1))


def batches(random):
    ids, lengths = random.integers(1, 7, STEPS, B, T), random.integers(1, T + 1, STEPS, B)
    lengths[:, 1] = T
    ids[0, 1, :4], ids[1, 1, 2] = [9, 8, 10, 9], 8
    lengths[3, 2], lengths[5, 0] = 1, 1
    for step in range(STEPS):
        for row in range(B):
            ids[step, row, lengths[step, row] :] = 0
    return torch.from_numpy(ids), torch.from_numpy(lengths), torch.from_numpy(random.integers(0, C, STEPS, B))


def train(variant, initial, data):
    optimizer_class, options, extra = VARIANTS[variant]
    model = Classifier().double()
    model.load_state_dict(initial)
    groups = list(model.parameters())
    if "groups" in extra:
        biases = [value for name, value in model.named_parameters() if "bias" in name]
        embedding = [model[0].weight]
        rest = [value for name, value in model.named_parameters() if "bias" not in name and name != "0.weight"]
        groups = [{"params": rest}, {"params": biases, "weight_decay": 0.0}, {"params": embedding, "lr": 0.01}]
    optimizer = optimizer_class(groups, **options)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, extra["gamma"]) if "gamma" in extra else None
    thaw = extra.get("thaw_embedding_before_step", 0)

    tensors, losses, norms = {}, [], []
    for step, (ids, lengths, labels) in enumerate(zip(*data), start=1):
        model[0].weight.requires_grad_(step >= thaw)
        loss = functional.cross_entropy(model(ids, lengths), labels)
        optimizer.zero_grad()
        loss.backward()
        if "max_norm" in extra:
            norms.append(clip_grad_norm_(model.parameters(), extra["max_norm"]).item())
        optimizer.step()
        if schedule:
            schedule.step()
        losses.append(loss.item())
        if step in KEPT:
            tensors |= {f"{variant}.after_{step}.{name}": value.detach().clone() for name, value in model.named_parameters()}
    tensors[f"{variant}.losses"] = losses
    if norms:
        tensors[f"{variant}.norms"] = norms  # before clipping
    return tensors


def main():
    torch.set_num_threads(1)
    random = Random(701)
    model = Classifier().double()
    initial = {name: torch.from_numpy(random.normal(*value.shape, scale=0.6)) for name, value in model.named_parameters()}
    initial["0.weight"][0] = 0
    data = batches(random)
    tensors = initial | dict(zip(["ids", "lengths", "labels"], data))
    about = {}
    for variant, (optimizer, options, extra) in VARIANTS.items():
        tensors |= train(variant, initial, data)
        about[f"options.{variant}"] = json.dumps({"optimizer": optimizer.__name__} | options | extra)
    save(
        "pytorch_optimizers",
        tensors,
        generator="tests/golden/pytorch_optimizers.py",
        framework=f"torch {torch.__version__}",
        variants=" ".join(VARIANTS),
        bias="dual",
        padding_idx=0,
        groups="adamw_groups: biases without decay; 0.weight with lr 0.01 and the decay; all other weights as the options",
        **about,
    )


main()
