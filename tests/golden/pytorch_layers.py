"""nn.Embedding with padding_idx, nn.Linear, and Embedding -> LSTM -> Linear -> cross entropy: outputs and gradients."""

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence

from fixture import Random, save

ABOUT = {"generator": "tests/golden/pytorch_layers.py", "framework": f"torch {torch.__version__}"}


def randomize(module, random, scale):
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.from_numpy(random.normal(*parameter.shape, scale=scale)))
        for part in module.modules():
            if isinstance(part, nn.Embedding):
                part.weight[0] = 0


def embedding():
    """Id 0 stands in the padding and inside a sequence: its row gets no gradient in either place. Ids 8 and 10 never occur."""
    random = Random(201)
    table = nn.Embedding(11, 3, padding_idx=0, dtype=torch.float64)
    randomize(table, random, 1.0)
    ids = torch.tensor([[3, 7, 3, 1, 0, 0], [9, 0, 2, 3, 5, 3], [4, 0, 0, 0, 0, 0], [6, 2, 0, 9, 1, 0]])
    y = table(ids)
    weights = torch.from_numpy(random.normal(*y.shape))
    loss = (weights * y).sum()
    loss.backward()
    tensors = {"weight": table.weight, "ids": ids, "lengths": [4, 6, 1, 5], "y": y, "r.y": weights, "loss": loss}
    save("pytorch_embedding", tensors | {"grad.weight": table.weight.grad}, padding_idx=0, **ABOUT)


def linear():
    """Per vector (x of shape (B, D)) and per time step (sequence.x of shape (B, T, D)), with and without bias."""
    random, tensors = Random(202), {}
    for name, bias, shape in [("", True, (5, 3)), ("no_bias.", False, (5, 3)), ("sequence.", True, (5, 7, 3))]:
        layer = nn.Linear(3, 4, bias=bias, dtype=torch.float64)
        randomize(layer, random, 0.6)
        x = torch.from_numpy(random.normal(*shape)).requires_grad_()
        y = layer(x)
        weights = torch.from_numpy(random.normal(*y.shape))
        (weights * y).sum().backward()
        inputs = dict(layer.named_parameters()) | {"x": x}
        tensors |= {f"{name}{key}": value for key, value in (inputs | {"y": y, "r.y": weights}).items()}
        tensors |= {f"{name}grad.{key}": value.grad for key, value in inputs.items()}
    save("pytorch_linear", tensors, **ABOUT)


def classifier(name, seed, options):
    """Names are those of Sequential{Embedding, FinalState{Recurrent or Bidirectional or a stack}, Dense}."""
    random = Random(seed)
    ids = random.integers(1, 13, 5, 7)
    lengths = torch.tensor([4, 7, 1, 6, 3])
    for row, length in enumerate(lengths):
        ids[row, length:] = 0
    labels = torch.from_numpy(random.integers(0, 4, 5))
    model = nn.ModuleList(
        [nn.Embedding(13, 3, padding_idx=0), nn.LSTM(3, 6, batch_first=True, **options), nn.Linear(12 if options else 6, 4)]
    ).double()
    randomize(model, random, 0.5)
    x = model[0](torch.from_numpy(ids))
    _, (h_n, _) = model[1](pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False))
    last = torch.cat([h_n[-2], h_n[-1]], dim=1) if options else h_n[-1]
    logits = model[2](last)
    loss = functional.cross_entropy(logits, labels)
    loss.backward()
    parameters = dict(model.named_parameters())
    tensors = parameters | {"ids": ids, "lengths": lengths, "labels": labels, "last": last, "logits": logits, "loss": loss}
    tensors |= {f"grad.{key}": value.grad for key, value in parameters.items()}
    save(name, tensors, padding_idx=0, bidirectional=bool(options), num_layers=options.get("num_layers", 1), **ABOUT)


torch.set_num_threads(1)
embedding()
linear()
classifier("pytorch_classifier", 203, {})
classifier("pytorch_classifier_bidirectional", 204, {"num_layers": 2, "bidirectional": True})
