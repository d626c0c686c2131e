"""A character language model in PyTorch by truncated BPTT: B parallel streams of the text, windows of K steps.

    python pytorch_char_lm.py --data tinyshakespeare/input.txt --minutes 15 --threads 2

The first 90 % of the text train, the last tenth is the test: its mean loss in nats per character, read as one stream from a
zero state, without dropout. The rate warms up and then falls along a cosine over the time allowed, not over a number of steps. Prints
a JSON line after each part of the time, and at the end.
"""

import argparse
import json
import math
import pathlib
import time

import torch
from torch import nn
from torch.nn import functional


class CharacterModel(nn.Module):
    def __init__(self, characters, embedding, hidden, layers, dropout):
        super().__init__()
        self.embedding = nn.Embedding(characters, embedding)
        self.lstm = nn.LSTM(embedding, hidden, num_layers=layers, dropout=dropout if layers > 1 else 0.0, batch_first=True)
        self.dense = nn.Linear(hidden, characters)
        self.dropout = dropout

    def forward(self, ids, state):
        """ids (B, K) -> logits (B, K, characters), the state after the window."""
        y, state = self.lstm(self.embedding(ids), state)
        return self.dense(functional.dropout(y, self.dropout, self.training)), state


@torch.no_grad()
def evaluate(model, ids, window=2000, streams=1):
    """Mean nats per character over ids[1:], read as one stream (or as several of equal length, which is faster)."""
    model.eval()
    length = (len(ids) - 1) // streams
    x, y = ids[: length * streams].view(streams, length), ids[1 : length * streams + 1].view(streams, length)
    state, total = None, 0.0
    for begin in range(0, length, window):
        logits, state = model(x[:, begin : begin + window], state)
        total += functional.cross_entropy(logits.flatten(0, 1), y[:, begin : begin + window].flatten(), reduction="sum").item()
    model.train()
    return total / (length * streams)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", required=True, help="a text file")
    options.add_argument("--minutes", type=float, default=15)
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--embedding", type=int, default=64)
    options.add_argument("--hidden", type=int, default=256)
    options.add_argument("--layers", type=int, default=2)
    options.add_argument("--dropout", type=float, default=0.1)
    options.add_argument("--batch", type=int, default=32)
    options.add_argument("--window", type=int, default=64)
    options.add_argument("--rate", type=float, default=3e-3)
    options.add_argument("--clip", type=float, default=1.0)
    options.add_argument("--steps", type=int, help="so many steps in place of --minutes")
    options = options.parse_args()

    torch.set_flush_denormal(True)  # Before the first parallel region: its threads inherit the mode.
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    text = pathlib.Path(options.data).read_text()
    characters = {character: index for index, character in enumerate(sorted(set(text)))}
    ids = torch.tensor([characters[character] for character in text])
    split = int(len(ids) * 0.9)
    train, test = ids[:split], ids[split:]

    length = (len(train) - 1) // options.batch
    x = train[: length * options.batch].view(options.batch, length)
    y = train[1 : length * options.batch + 1].view(options.batch, length)
    model = CharacterModel(len(characters), options.embedding, options.hidden, options.layers, options.dropout)
    optimizer = torch.optim.Adam(model.parameters(), lr=options.rate)

    allowed, start, step, at, state, reports = options.minutes * 60, time.perf_counter(), 0, 0, None, 1
    mean = 0.0
    while True:
        progress = step / options.steps if options.steps else (time.perf_counter() - start) / allowed
        if progress >= 1:
            break
        warm_up = min(1.0, (step + 1) / 50)
        for group in optimizer.param_groups:
            group["lr"] = options.rate * warm_up * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * progress)))
        if at + options.window > length:
            at, state = 0, None
        logits, state = model(x[:, at : at + options.window], state)
        state = tuple(part.detach() for part in state)
        loss = functional.cross_entropy(logits.flatten(0, 1), y[:, at : at + options.window].flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), options.clip)
        optimizer.step()
        at, step = at + options.window, step + 1
        mean = loss.item() if step == 1 else 0.99 * mean + 0.01 * loss.item()
        if progress > reports / 10:
            line = {"step": step, "minutes": round((time.perf_counter() - start) / 60, 2), "train": round(mean, 4)}
            print(json.dumps(line | {"test": round(evaluate(model, test, 200, 16), 4)}), flush=True)
            reports += 1
    seconds = time.perf_counter() - start
    line = {"steps": step, "epochs": round(step * options.window / length, 2), "minutes": round(seconds / 60, 2), "train": round(mean, 4)}
    line |= {"test_nats_per_character": round(evaluate(model, test), 4)}
    print(json.dumps(line | {name: value for name, value in vars(options).items() if name != "data"}), flush=True)


if __name__ == "__main__":
    main()
