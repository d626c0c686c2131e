"""The model of examples/speaker in PyTorch: Japanese Vowels, a bidirectional GRU, the mean of its output and its greatest.

    python pytorch_speaker.py --data DIRECTORY --seed 1 --threads 1

DIRECTORY has ae.train and ae.test. Prints a JSON line with the test accuracy and the seconds of training.
"""

import argparse
import json
import math
import pathlib
import time

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

TRAIN, TEST = [30] * 9, [31, 35, 88, 44, 29, 24, 40, 50, 29]


def read(path, counts):
    """A list of (steps, 12) tensors, and the speaker of each."""
    series, frames = [], []
    for line in path.read_text().splitlines():
        numbers = [float(word) for word in line.split()]
        if all(number == 1 for number in numbers):
            if frames:
                series.append(torch.tensor(frames))
            frames = []
        else:
            frames.append(numbers)
    if frames:
        series.append(torch.tensor(frames))
    speakers = [speaker for speaker, count in enumerate(counts) for _ in range(count)]
    assert len(series) == len(speakers)
    return series, torch.tensor(speakers)


class Listener(nn.Module):
    def __init__(self, units=128):
        super().__init__()
        self.read = nn.GRU(12, units, bidirectional=True, batch_first=True)
        self.score = nn.Linear(4 * units, 9)
        self.drop, self.drop_more = nn.Dropout(0.3), nn.Dropout(0.5)

    def forward(self, series):
        lengths = torch.tensor([len(s) for s in series])
        packed = pack_padded_sequence(self.drop(pad_sequence(series, batch_first=True)), lengths, batch_first=True, enforce_sorted=False)
        h, _ = pad_packed_sequence(self.read(packed)[0], batch_first=True)
        there = (torch.arange(h.shape[1]) < lengths[:, None])[..., None]
        mean = (h * there).sum(1) / lengths[:, None]
        return self.score(self.drop_more(torch.cat([mean, h.masked_fill(~there, -math.inf).amax(1)], 1)))


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", required=True, type=pathlib.Path)
    options.add_argument("--epochs", type=int, default=100)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--threads", type=int, default=1)
    options = options.parse_args()
    torch.set_flush_denormal(True)
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    series, speakers = read(options.data / "ae.train", TRAIN)
    learned = [k for k in range(len(series)) if k % 6 != 5]
    model = Listener()
    updates = options.epochs * math.ceil(len(learned) / 32)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, updates)
    begin = time.perf_counter()
    for _ in range(options.epochs):
        order = torch.randperm(len(learned)).tolist()
        for first in range(0, len(order), 32):
            rows = [learned[k] for k in order[first : first + 32]]
            noisy = [series[k] + 0.1 * torch.randn_like(series[k]) for k in rows]
            loss = nn.functional.cross_entropy(model(noisy), speakers[rows])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1)
            optimizer.step()
            schedule.step()
    seconds = time.perf_counter() - begin
    model.eval()
    series, speakers = read(options.data / "ae.test", TEST)
    with torch.no_grad():
        accuracy = (model(series).argmax(1) == speakers).float().mean().item()
    print(json.dumps({"seed": options.seed, "test_accuracy": round(accuracy, 4), "seconds": round(seconds, 1)}))


if __name__ == "__main__":
    main()
