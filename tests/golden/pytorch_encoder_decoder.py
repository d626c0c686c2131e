"""An encoder-decoder model: a GRU from both ends, a bridge to a GRU that looks back by additive attention, a softmax.

The decoder's gates are W_ih [word] + b_ih + W_c c_t, where c_t is the attention of h_{t-1}; the softmax reads h_t. Pairs
are computed one by one, the loss is the mean over all labels of a batch; plain SGD, the global norm clipped.

pytorch_encoder_decoder: `sources` and `targets` one after the other with their lengths, `losses` of 20 updates over two
batches in turn, `first.grad.NAME` of the first one, and the weights after the last as `last.NAME`. Begin is 2, end 3.
"""

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from fixture import Random, save

BEGIN, END = 2, 3


class Decoder(nn.Module):
    def __init__(self, features, memory, units):
        super().__init__()
        self.step = nn.GRUCell(features, units)
        self.query = nn.Linear(units, units, bias=False)
        self.key = nn.Linear(memory, units)
        self.score = nn.Parameter(torch.zeros(units))
        self.context = nn.Linear(memory, 3 * units, bias=False)

    def forward(self, words, memory, h):
        keys, outputs = self.key(memory), []
        for word in words:
            weights = torch.softmax(torch.tanh(self.query(h) + keys) @ self.score, dim=0)
            gates = self.step.weight_ih @ word + self.step.bias_ih + self.context(weights @ memory)
            r, z, n = gates.chunk(3)
            u_r, u_z, u_n = (self.step.weight_hh @ h + self.step.bias_hh).chunk(3)
            z = torch.sigmoid(z + u_z)
            h = (1 - z) * torch.tanh(n + torch.sigmoid(r + u_r) * u_n) + z * h
            outputs.append(h)
        return torch.stack(outputs)


class Model(nn.Module):
    def __init__(self, random, source, target, units):
        super().__init__()
        self.source, self.target = nn.Embedding(source, 4), nn.Embedding(target, 5)
        self.encoder = nn.GRU(4, units, bidirectional=True)
        self.bridge = nn.Linear(2 * units, units)
        self.decoder = Decoder(5, 2 * units, units)
        self.head = nn.Linear(units, target)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.copy_(torch.from_numpy(random.normal(*parameter.shape, scale=0.6)))

    def forward(self, x, y):
        memory, last = self.encoder(self.source(x).unsqueeze(1))
        start = torch.tanh(self.bridge(last.reshape(-1)))
        return self.head(self.decoder(self.target(y), memory.squeeze(1), start))

    def named(self):
        """Parameters under the names of the library."""
        step, decoder = self.decoder.step, self.decoder
        result = {name: value for name, value in self.named_parameters() if not name.startswith("decoder.")}
        return result | {
            "decoder.weight_ih_l0": step.weight_ih,
            "decoder.bias_ih_l0": step.bias_ih,
            "decoder.gru.weight_hh_l0": step.weight_hh,
            "decoder.gru.bias_hh_l0": step.bias_hh,
            "decoder.attend.weight_query_l0": decoder.query.weight,
            "decoder.attend.weight_key_l0": decoder.key.weight,
            "decoder.attend.bias_l0": decoder.key.bias,
            "decoder.attend.score_l0": decoder.score,
            "decoder.context.weight_l0": decoder.context.weight,
        }


def main():
    random, source, target, units, updates, rate, clip = Random(711), 9, 8, 6, 20, 0.8, 1.0
    model = Model(random, source, target, units)
    lengths = [(4, 3), (1, 5), (6, 1), (3, 4), (5, 2), (2, 6), (7, 7), (1, 1)]
    pairs = [tuple(torch.from_numpy(random.integers(4, end, n)) for n, end in zip(of, (source, target))) for of in lengths]
    batches = [pairs[:5], pairs[5:]]
    tensors = {
        "sources": torch.cat([x for x, _ in pairs]),
        "targets": torch.cat([y for _, y in pairs]),
        "lengths": torch.tensor(lengths),
    } | {key: value.clone() for key, value in model.named().items()}
    optimizer, losses = torch.optim.SGD(model.parameters(), lr=rate), []
    for k in range(updates):
        sums, labels = 0, 0
        for x, y in batches[k % 2]:
            said, wanted = torch.cat([torch.tensor([BEGIN]), y]), torch.cat([y, torch.tensor([END])])
            sums = sums + cross_entropy(model(x, said), wanted, reduction="sum")
            labels += len(wanted)
        optimizer.zero_grad()
        (sums / labels).backward()
        if not losses:
            tensors |= {f"first.grad.{key}": value.grad.clone() for key, value in model.named().items()}
        nn.utils.clip_grad_norm_(model.parameters(), clip)
        losses.append((sums / labels).item())
        optimizer.step()
    tensors |= {"losses": losses} | {f"last.{key}": value for key, value in model.named().items()}
    save(
        "pytorch_encoder_decoder",
        tensors,
        generator="tests/golden/pytorch_encoder_decoder.py",
        framework=f"torch {torch.__version__}",
        first_batch=len(batches[0]),
        rate=rate,
        clip_norm=clip,
    )


torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)
main()
