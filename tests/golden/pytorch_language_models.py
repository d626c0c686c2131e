"""Language models with a tied softmax: embedding, two recurrent layers, the embedding's table as the softmax's weight.

A text `ids` (N) is read as TokenStreams reads it: B streams of L = (N - 1) / B steps, stream b from step b L on, through
windows of K steps; the state goes from window to window, detached, and starts from zero in every epoch. Plain SGD, the
global norm of the gradient clipped as `clip_grad_norm_` does.

pytorch_language_model_{lstm,gru}: `losses` of the first 50 updates, `norms` before clipping, `first.grad.NAME` of the
first one, and the weights after the last as `last.NAME`.

pytorch_nt_asgd: SGD until the loss on the text `held_out` is worse than the best of all epochs but the last n before it,
and from the next epoch on ASGD (lambd=0, alpha=0), whose average is validated. `after_E.NAME` are the weights after epoch
E, from 1, `mean_E.NAME` the average. ASGD with t0=0 leaves the first of its updates out of the average; here t0=-1, which
counts it: the k-th update has the share 1 / k.

pytorch_tied_softmax: the embedding and the softmax alone, with label smoothing and a label that is ignored.
"""

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from fixture import Random, save


class LanguageModel(nn.Module):
    def __init__(self, random, layer, tokens, features, units):
        super().__init__()
        self.embed = nn.Embedding(tokens, features, dtype=torch.float64)
        self.layers = nn.ModuleList([layer(features, units, dtype=torch.float64), layer(units, features, dtype=torch.float64)])
        self.bias = nn.Parameter(torch.zeros(tokens, dtype=torch.float64))
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.copy_(torch.from_numpy(random.normal(*parameter.shape, scale=0.5)))

    def forward(self, ids, states):
        x, after = self.embed(ids), []
        for layer, state in zip(self.layers, states):
            x, state = layer(x, state)
            after.append(state)
        return x @ self.embed.weight.T + self.bias, after

    def named(self):
        """Parameters under the names of Sequential."""
        result = {"0.weight": self.embed.weight, "3.bias": self.bias}
        for k, layer in enumerate(self.layers):
            result |= {f"{k + 1}.{name}": value for name, value in layer.named_parameters()}
        return result


def detached(state):
    return tuple(part.detach() for part in state) if isinstance(state, tuple) else state.detach()


def windows(ids, streams, window):
    length = (len(ids) - 1) // streams
    x = torch.stack([ids[b * length : (b + 1) * length] for b in range(streams)], dim=1)
    y = torch.stack([ids[b * length + 1 : (b + 1) * length + 1] for b in range(streams)], dim=1)
    return [(x[t : t + window], y[t : t + window]) for t in range(0, length, window)]


def epoch(model, data, update=None):
    """The losses of all windows; with `update` each is followed by one. Without, their mean over the steps is wanted."""
    states, losses = [None, None], []
    for x, y in data:
        logits, states = model(x, states)
        states = [detached(state) for state in states]
        loss = cross_entropy(logits.reshape(-1, logits.shape[-1]), y.reshape(-1))
        if update is not None:
            update(loss)
        losses.append(loss.item())
    return losses


def text(random, length, tokens):
    """What follows a token depends on the two before it, mostly."""
    ids = [1, 2]
    for chance, other in zip(random.integers(0, 4, length - 2), random.integers(0, tokens, length - 2)):
        ids.append(int(other if chance == 0 else (2 * ids[-1] + ids[-2] + 1) % tokens))
    return torch.tensor(ids)


def first_losses(name, seed, layer):
    random = Random(seed)
    tokens, streams, window, updates, rate, clip = 11, 3, 7, 50, 1.5, 0.4
    ids = text(random, 103, tokens)
    model = LanguageModel(random, layer, tokens, 5, 6)
    tensors = {"ids": ids} | {key: value.clone() for key, value in model.named().items()}
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    losses, norms = [], []

    def update(loss):
        optimizer.zero_grad()
        loss.backward()
        if not losses:
            tensors.update({f"first.grad.{key}": value.grad.clone() for key, value in model.named().items()})
        norms.append(nn.utils.clip_grad_norm_(model.parameters(), clip).item())
        losses.append(loss.item())
        optimizer.step()

    data = windows(ids, streams, window)
    while len(losses) < updates:
        epoch(model, data, update)
    assert len(losses) == updates and min(norms) < clip < max(norms)
    tensors |= {"losses": losses, "norms": norms} | {f"last.{key}": value for key, value in model.named().items()}
    save(
        name,
        tensors,
        generator="tests/golden/pytorch_language_models.py",
        framework=f"torch {torch.__version__}",
        streams=streams,
        window=window,
        epochs=updates // len(data),
        rate=rate,
        clip_norm=clip,
    )


def non_monotone():
    random = Random(703)
    tokens, streams, window, epochs, rate, patience = 7, 2, 6, 20, 2.0, 2
    ids, held_out = text(random, 38, tokens), text(random, 50, tokens)
    model = LanguageModel(random, nn.LSTM, tokens, 3, 4)
    tensors = {"ids": ids, "held_out": held_out} | {key: value.clone() for key, value in model.named().items()}
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    averaging, first, validation = False, 0, []

    def update(loss):
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    for number in range(1, epochs + 1):
        epoch(model, windows(ids, streams, window), update)
        raw = {key: value.detach().clone() for key, value in model.named().items()}
        with torch.no_grad():
            if averaging:
                for parameter in model.parameters():
                    parameter.copy_(optimizer.state[parameter]["ax"])
                tensors |= {f"mean_{number}.{key}": value.clone() for key, value in model.named().items()}
            (loss,) = epoch(model, windows(held_out, streams, len(held_out)))
            for key, parameter in model.named().items():
                parameter.copy_(raw[key])
        if number % 5 == 0:
            tensors |= {f"after_{number}.{key}": value for key, value in raw.items()}
        if not averaging and len(validation) > patience and loss > min(validation[:-patience]):
            averaging, first = True, number + 1
            optimizer = torch.optim.ASGD(model.parameters(), lr=rate, lambd=0, alpha=0, t0=-1)
        validation.append(loss)
    assert patience + 2 < first <= 12, first
    keep = {f"mean_{k}." for k in (first, first + 1, epochs)}
    tensors = {key: value for key, value in tensors.items() if not key.startswith("mean_") or key.split(".")[0] + "." in keep}
    save(
        "pytorch_nt_asgd",
        tensors | {"validation": validation},
        generator="tests/golden/pytorch_language_models.py",
        framework=f"torch {torch.__version__}",
        streams=streams,
        window=window,
        epochs=epochs,
        rate=rate,
        patience=patience,
        first_epoch=first,
        variants=" ".join(sorted({key.split(".")[0] for key in tensors if key.startswith(("after_", "mean_"))})),
    )


def tied_softmax():
    random = Random(704)
    tokens, features, columns = 9, 4, 12
    table = torch.from_numpy(random.normal(tokens, features)).requires_grad_()
    bias = torch.from_numpy(random.normal(tokens)).requires_grad_()
    ids, labels = (torch.from_numpy(random.integers(0, tokens, columns)) for _ in range(2))
    labels[[2, 7]] = -100
    tensors = {"0.weight": table, "1.bias": bias, "ids": ids, "labels": labels}
    for variant, smoothing in {"plain": 0.0, "smooth": 0.1}.items():
        table.grad = bias.grad = None
        loss = cross_entropy(table[ids] @ table.T + bias, labels, label_smoothing=smoothing)
        loss.backward()
        tensors |= {f"{variant}.loss": loss, f"{variant}.grad.0.weight": table.grad, f"{variant}.grad.1.bias": bias.grad}
    save(
        "pytorch_tied_softmax",
        tensors,
        generator="tests/golden/pytorch_language_models.py",
        framework=f"torch {torch.__version__}",
        variants="plain smooth",
    )


torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)  # of ASGD's shares, too
first_losses("pytorch_language_model_lstm", 701, nn.LSTM)
first_losses("pytorch_language_model_gru", 702, nn.GRU)
non_monotone()
tied_softmax()
