"""Rows of the benchmark in PyTorch.

    python pytorch_rows.py lstm/forward+backward/D:128/H:128/B:64/T:200 --threads 1 --steps 10
    python pytorch_rows.py sentiment/lstm/train --batches batches.safetensors --threads 1 --steps 10

`--variant` chooses among ways to the same result, to take the fastest: `fused` (Adam in one kernel), `no-onednn`, `packed`
(pack_padded_sequence instead of a reversal within each length), `packed-denormals` (the same with PyTorch's default of computing with
denormals: the article's own code), `gates` (W x for all steps at once, and the GRU's equations, instead of GRUCell), `numbers` (a mask of 0 and
-1e30 instead of booleans), `written` (two products and a softmax), `weights` (need_weights, the default). Everything else flushes them.
"""

import torch
from torch import nn
from torch.nn import functional

import imdb
import pytorch_sentiment
import rows


class PackedBidirectionalLstm(nn.Module):
    """What BidirectionalLstm computes, as the article writes it."""

    def __init__(self, features, hidden, layers, dropout):
        super().__init__()
        self.lstm = nn.LSTM(features, hidden, layers, batch_first=True, bidirectional=True, dropout=dropout)

    def forward(self, x, lengths):
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        h = self.lstm(packed)[1][0]
        return torch.cat([h[-2], h[-1]], dim=1)


class TwoLstms(nn.Module):
    """The article's Keras plan without dropout on inputs and states. Layers of one direction may run over the padding: the state at a
    review's own end is what counts."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(imdb.WORDS, 128)
        self.lstm1 = nn.LSTM(128, 128, batch_first=True)
        self.lstm2 = nn.LSTM(128, 64, batch_first=True)
        self.head = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Dropout(0.3), nn.Linear(32, 1))

    def forward(self, ids):
        lengths = (ids != 0).sum(1).clamp(min=1)
        y = self.lstm2(self.lstm1(self.embedding(ids[:, : int(lengths.max())]))[0])[0]
        return self.head(y[torch.arange(len(ids)), lengths - 1])[:, 0]


class WordModel(nn.Module):
    """A word language model: 10,000 words, two layers of 650, dropout 0.5."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(10_000, 650)
        self.dropout = nn.Dropout(0.5)
        self.lstm = nn.LSTM(650, 650, 2, dropout=0.5)
        self.decoder = nn.Linear(650, 10_000)

    def forward(self, ids, state):
        y, state = self.lstm(self.dropout(self.embedding(ids)), state)
        return self.decoder(self.dropout(y)), state


class SmallWordModel(nn.Module):
    """Zaremba et al. 2014, small: 10,000 words, two layers of 200, no dropout; the softmax is tied."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(10_000, 200)
        self.lstm = nn.LSTM(200, 200, 2)
        self.decoder = nn.Linear(200, 10_000)
        self.decoder.weight = self.embedding.weight

    def forward(self, ids, state):
        y, state = self.lstm(self.embedding(ids), state)
        return self.decoder(y), state


def layer(name, variant):
    kind, what, *_ = name.split("/")
    n = rows.sizes(name)
    torch.backends.mkldnn.enabled = variant != "no-onednn"
    net = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}[kind](n["D"], n["H"])
    x = torch.randn(n["T"], n["B"], n["D"], requires_grad=what != "forward")
    dy = torch.randn(n["T"], n["B"], n["H"])

    def forward(_):
        with torch.inference_mode():
            net(x)

    def both(_):
        y = net(x)[0]
        y.backward(dy)
        x.grad = None
        net.zero_grad(set_to_none=True)

    return forward if what == "forward" else both


def sentiment(name, variant, path):
    _, plan, what = name.split("/")
    ids, labels = (torch.from_numpy(part).long() for part in rows.read_batches(path))
    if plan == "lstm":
        model = TwoLstms()
        weight_decay = 0.0

        def loss(logits, y):
            return functional.binary_cross_entropy_with_logits(logits, y.float())

    else:
        model = pytorch_sentiment.Sentiment()
        weight_decay = 1e-5
        loss = functional.cross_entropy
        if variant.startswith("packed"):
            model.lstm = PackedBidirectionalLstm(128, 256, 2, 0.3)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=weight_decay, fused="fused" in variant)

    def train(k):
        optimizer.zero_grad()
        loss(model(ids[k % len(ids)]), labels[k % len(ids)]).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    def infer(k):
        with torch.inference_mode():
            model(ids[k % len(ids)])

    model.train(what == "train")
    return train if what == "train" else infer


def words(model, variant):
    state = None
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0, fused="fused" in variant)
    ids = torch.randint(10_000, (36, 20))

    def train(_):
        nonlocal state
        optimizer.zero_grad()
        logits, state = model(ids[:-1], state)
        state = tuple(part.detach() for part in state)
        functional.cross_entropy(logits.flatten(0, 1), ids[1:].flatten()).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()

    return train


def write(texts):
    """20 words for each text, drawn."""
    model = SmallWordModel().eval()

    def step(_):
        with torch.inference_mode():
            ids, state, chosen = torch.arange(texts).unsqueeze(0), None, []
            for _ in range(20):
                logits, state = model(ids, state)
                ids = torch.multinomial(torch.softmax(logits[-1], 1), 1).T
                chosen.append(ids)
            torch.cat(chosen)

    return step


def decoder(variant):
    """Bahdanau et al. 2015: 512 units, 64 sequences of 12 words, over 12 steps of an encoder's 512."""
    batch, steps, units = 64, 12, 512
    query, key, score = nn.Linear(units, units, bias=False), nn.Linear(units, units), nn.Linear(units, 1, bias=False)
    cell = nn.GRUCell(256 + units, units)
    of_words, of_context, of_state = nn.Linear(256, 3 * units), nn.Linear(units, 3 * units, bias=False), nn.Linear(units, 3 * units)
    words = torch.randn(steps, batch, 256, requires_grad=True)
    encoded = torch.randn(batch, steps, units, requires_grad=True)
    dy = torch.randn(steps, batch, units)

    def gru(gates, h):
        r, z, n = zip(gates.chunk(3, 1), of_state(h).chunk(3, 1))
        r, z = torch.sigmoid(sum(r)), torch.sigmoid(sum(z))
        n = torch.tanh(n[0] + r * n[1])
        return n + z * (h - n)

    def train(_):
        keys, h, outputs = key(encoded), torch.zeros(batch, units), []
        gates = of_words(words) if variant == "gates" else None
        for t in range(steps):
            weights = torch.softmax(score(torch.tanh(query(h).unsqueeze(1) + keys)).squeeze(2), 1)
            context = torch.bmm(weights.unsqueeze(1), encoded).squeeze(1)
            h = cell(torch.cat([words[t], context], 1), h) if gates is None else gru(gates[t] + of_context(context), h)
            outputs.append(h)
        torch.stack(outputs).backward(dy)
        for part in [query, key, score, cell, of_words, of_context, of_state]:
            part.zero_grad(set_to_none=True)
        words.grad = encoded.grad = None

    return train


def attention(name, variant):
    """64 sequences of 10 to 60 steps, padded, 256 features, forward and backward."""
    batch, units, kind, heads = 64, 256, *name.split("/")[1].rsplit("-", 1)
    heads = int(heads)
    lengths = torch.tensor([10 + 37 * b % 51 for b in range(batch)])
    steps = int(lengths.max())
    valid = torch.arange(steps) < lengths[:, None]
    if kind == "multi-head":
        net = nn.MultiheadAttention(units, heads, batch_first=True)
        x = torch.randn(batch, steps, units, requires_grad=True)
        leaves = [x, *net.parameters()]
        dy = torch.randn(batch, steps, units) * valid[:, :, None]

        def forward():
            return net(x, x, x, key_padding_mask=~valid, need_weights=variant == "weights")[0]

    else:
        q, k, v = leaves = [torch.randn(batch, steps, heads, units // heads).transpose(1, 2).requires_grad_() for _ in range(3)]
        dy = torch.randn(batch, heads, steps, units // heads) * valid[:, None, :, None]
        sees = valid[:, None, None, :].expand(batch, 1, steps, steps)
        numbers = torch.zeros(sees.shape).masked_fill(~sees, -1e30)

        def forward():
            if variant == "written":
                return (q @ k.mT * (units // heads) ** -0.5 + numbers).softmax(3) @ v
            return functional.scaled_dot_product_attention(q, k, v, attn_mask=numbers if variant == "numbers" else sees)

    def train(_):
        forward().backward(dy)
        for leaf in leaves:
            leaf.grad = None

    return train


def main():
    options = rows.options(__doc__)
    torch.set_flush_denormal("denormals" not in options.variant)  # Before the first parallel region: its threads inherit the mode.
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    if options.row.startswith("sentiment/"):
        step = sentiment(options.row, options.variant, options.batches)
    elif options.row == "words/lstm/train":
        step = words(WordModel(), options.variant)
    elif options.row == "words/lstm-tied/train":
        step = words(SmallWordModel(), options.variant)
    elif options.row.startswith("words/lstm-tied/generate-"):
        step = write(int(options.row.split("-")[-1]))
    elif options.row.startswith("decoder/"):
        step = decoder(options.variant)
    elif options.row.startswith("attention/"):
        step = attention(options.row, options.variant)
    else:
        step = layer(options.row, options.variant)
    rows.serve(step, options.steps)


if __name__ == "__main__":
    main()
