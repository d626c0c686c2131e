"""The rows of benchmarks/translation_throughput.cpp in PyTorch.

    python pytorch_translation.py translation/train --threads 1 --steps 5

A batch is padded. The encoder's second direction reads each sentence reversed within its length, which is faster than packing (see README.md); the
softmax is made of the tokens that are there alone. Decoding has all texts of a batch side by side and reorders their states; the end is forbidden,
so that each sentence gets 30 tokens. `--variant fused`: Adam in one kernel; `packed`: pack_padded_sequence.
"""

import torch
from torch import nn
from torch.nn import functional

import rows

WORDS, UNITS, BATCH, COUNT, TOKENS = 8000, 256, 64, 1000, 30
FORBIDDEN = [0, 2, 3]


class Translator(nn.Module):
    def __init__(self, packed):
        super().__init__()
        self.source, self.target = nn.Embedding(WORDS, UNITS), nn.Embedding(WORDS, UNITS)
        self.packed = packed
        if packed:
            self.encoder = nn.LSTM(UNITS, UNITS // 2, batch_first=True, bidirectional=True)
        else:
            self.ahead, self.back = (nn.LSTM(UNITS, UNITS // 2, batch_first=True) for _ in range(2))
        self.bridge, self.mix = nn.Linear(UNITS, UNITS), nn.Linear(2 * UNITS, UNITS)
        self.decoder = nn.LSTM(UNITS, UNITS, batch_first=True)
        self.head = nn.Linear(UNITS, WORDS)

    def encode(self, x, lengths):
        """What was read (B, S, H), -inf where nothing is (B, 1, S), and the decoder's state."""
        embedded = self.source(x)
        if self.packed:
            packed = nn.utils.rnn.pack_padded_sequence(embedded, lengths, batch_first=True, enforce_sorted=False)
            packed, (ends, _) = self.encoder(packed)
            read, end = nn.utils.rnn.pad_packed_sequence(packed, batch_first=True)[0], torch.cat([ends[0], ends[1]], 1)
        else:
            steps = torch.arange(x.shape[1])
            reverse = torch.where(steps < lengths[:, None], lengths[:, None] - 1 - steps, steps)[:, :, None].expand(-1, -1, UNITS)
            ahead = self.ahead(embedded)[0]
            back = self.back(embedded.gather(1, reverse))[0]
            last = (lengths - 1)[:, None, None].expand(-1, 1, UNITS // 2)
            end = torch.cat([ahead.gather(1, last), back.gather(1, last)], 2)[:, 0]
            read = torch.cat([ahead, back.gather(1, reverse[:, :, : UNITS // 2])], 2)
        hidden = torch.tanh(self.bridge(end))[None]
        mask = torch.zeros(len(x), 1, x.shape[1]).masked_fill(torch.arange(x.shape[1]) >= lengths[:, None, None], -torch.inf)
        return read, mask, (hidden, torch.zeros_like(hidden))

    def look(self, h, read, mask):
        """h (B, T, H) -> (B, T, H): T steps, or T texts of one source."""
        found = (h @ read.mT + mask).softmax(2) @ read
        return torch.tanh(self.mix(torch.cat([h, found], 2)))


def sentences(count, step):
    lengths = torch.tensor([10 + step * b % 21 for b in range(count)])
    ids = torch.randint(4, WORDS, (count, int(lengths.max())))
    return ids.masked_fill(torch.arange(ids.shape[1]) >= lengths[:, None], 0), lengths


def train(variant):
    model = Translator("packed" in variant)
    x, lengths = sentences(BATCH, 8)
    y, written = sentences(BATCH, 11)
    said = functional.pad(y, (1, 0), value=2)
    labels = functional.pad(y, (0, 1), value=0).scatter(1, written[:, None], 3)
    there = torch.arange(said.shape[1]) <= written[:, None]
    labels = labels[there]
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused="fused" in variant)

    def step(_):
        optimizer.zero_grad()
        read, mask, state = model.encode(x, lengths)
        h = model.decoder(model.target(said), state)[0]
        logits = model.head(model.look(h, read, mask)[there])
        functional.cross_entropy(logits, labels).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    return step


def decode(width, variant):
    model = Translator("packed" in variant).eval()
    all_x, all_lengths = sentences(COUNT, 8)
    order = all_lengths.argsort(descending=True, stable=True)
    batches = []
    for rows_of_batch in order.split(BATCH):
        lengths = all_lengths[rows_of_batch]
        batches.append((all_x[rows_of_batch, : int(lengths.max())], lengths))
    forbidden = torch.zeros(WORDS)
    forbidden[FORBIDDEN] = -torch.inf

    def greedy(x, lengths):
        read, mask, state = model.encode(x, lengths)
        ids, chosen = torch.full((len(x), 1), 2), []
        for _ in range(TOKENS):
            h, state = model.decoder(model.target(ids), state)
            ids = (model.head(model.look(h, read, mask)) + forbidden).argmax(2)
            chosen.append(ids)
        return torch.cat(chosen, 1)

    def beam(x, lengths):
        read, mask, state = model.encode(x, lengths)
        count, texts = len(x), 1
        ids, sums, chosen, first = torch.full((count, 1), 2), torch.zeros(count, 1, 1), None, torch.arange(count)[:, None]
        for _ in range(TOKENS):
            h, state = model.decoder(model.target(ids.view(-1, 1)), state)
            logits = model.head(model.look(h.view(count, texts, UNITS), read, mask))
            log_p = torch.log_softmax(logits, 2).add_(sums).add_(forbidden)
            best, at = log_p.view(count, -1).topk(width, 1)
            sums, before, ids = best[:, :, None], at // WORDS, at % WORDS
            going_on = (before + first * texts).flatten()
            state = tuple(part.index_select(1, going_on) for part in state)
            chosen = ids[:, :, None] if chosen is None else torch.cat([chosen.flatten(0, 1)[going_on].view(count, width, -1), ids[:, :, None]], 2)
            texts = width
        return chosen[:, 0]

    def step(_):
        with torch.inference_mode():
            for x, lengths in batches:
                greedy(x, lengths) if width == 1 else beam(x, lengths)

    return step


def main():
    options = rows.options(__doc__)
    torch.set_flush_denormal(True)
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    what = options.row.split("/")[1]
    rows.serve(train(options.variant) if what == "train" else decode(5 if what == "beam-5" else 1, options.variant), options.steps)


if __name__ == "__main__":
    main()
