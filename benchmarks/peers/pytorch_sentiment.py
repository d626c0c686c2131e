"""The article's PyTorch plan on IMDB: a bidirectional LSTM of two layers, 256 units, over packed reviews.

    python pytorch_sentiment.py --data DIRECTORY --epochs 10 --seed 1 --threads 2

Prints a JSON line per epoch, then the test accuracy of the epoch with the best validation accuracy. The result is that of
pack_padded_sequence, whose backward pass needs ten times as long on a CPU: padded calls of one direction each, the backward
one with every review reversed within its own length. Denormals are flushed to zero (PyTorch leaves them on: the first
hundreds of steps would take six to twelve times as long). float32 throughout.
"""

import argparse
import copy
import json
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional

import imdb


class BidirectionalLstm(nn.Module):
    """nn.LSTM(..., num_layers, bidirectional=True, dropout) on packed sequences, as one nn.LSTM per layer and direction."""

    def __init__(self, features, hidden, layers, dropout):
        super().__init__()
        widths = [features] + [2 * hidden] * (layers - 1)
        self.directions = nn.ModuleList(
            nn.ModuleList(nn.LSTM(width, hidden, batch_first=True) for _ in range(2)) for width in widths
        )
        self.dropout = dropout

    def forward(self, x, lengths):
        """x (B, T, features), lengths (B) -> the last layer's final forward and final backward state, (B, 2 hidden)."""
        steps = torch.arange(x.shape[1])
        reverse = torch.where(steps < lengths[:, None], lengths[:, None] - 1 - steps, steps)

        def reversed_within_length(values):
            return values.gather(1, reverse[:, :, None].expand(-1, -1, values.shape[2]))

        for index, (ahead, back) in enumerate(self.directions):
            if index > 0:
                x = functional.dropout(x, self.dropout, self.training)
            y_ahead, _ = ahead(x)
            y_back, _ = back(reversed_within_length(x))
            if index + 1 < len(self.directions):
                x = torch.cat([y_ahead, reversed_within_length(y_back)], dim=2)
        last = (lengths - 1)[:, None, None].expand(-1, 1, y_ahead.shape[2])
        return torch.cat([y_ahead.gather(1, last), y_back.gather(1, last)], dim=2)[:, 0]

    def named_weights(self):
        """(name of nn.LSTM, parameter)."""
        for layer, pair in enumerate(self.directions):
            for suffix, lstm in zip(["", "_reverse"], pair):
                for name, parameter in lstm.named_parameters():
                    yield f"{name.removesuffix('0')}{layer}{suffix}", parameter


class Sentiment(nn.Module):
    def __init__(self, dropout=0.3):
        super().__init__()
        self.embedding = nn.Embedding(imdb.WORDS, 128, padding_idx=0)
        self.lstm = BidirectionalLstm(128, 256, 2, dropout)
        self.dense1 = nn.Linear(512, 64)
        self.dense2 = nn.Linear(64, 2)
        self.dropout = dropout

    def forward(self, ids):
        lengths = (ids != 0).sum(1).clamp(min=1)  # The padding is at the end, and no id inside a review is 0.
        ids = ids[:, : int(lengths.max())]
        x = functional.dropout(self.embedding(ids), self.dropout, self.training)
        x = functional.relu(self.dense1(self.lstm(x, lengths)))
        return self.dense2(functional.dropout(x, self.dropout, self.training))

    def named_weights(self):
        """(plain name, parameter): embedding.weight, lstm.weight_ih_l0, ..., dense1.weight, dense2.bias."""
        yield "embedding.weight", self.embedding.weight
        yield from ((f"lstm.{name}", parameter) for name, parameter in self.lstm.named_weights())
        for name in ["dense1", "dense2"]:
            yield from ((f"{name}.{key}", parameter) for key, parameter in getattr(self, name).named_parameters())


def save_weights(model, path):
    from safetensors.torch import save_file

    save_file({name: parameter.detach().contiguous() for name, parameter in model.named_weights()}, path)


def train_step(model, optimizer, ids, labels):
    """The loss before the step, and the number of right answers."""
    logits = model(ids)
    loss = functional.cross_entropy(logits, labels)
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return loss.item(), (logits.argmax(1) == labels).sum().item()


@torch.no_grad()
def evaluate(model, ids, labels, batch_size=128):
    """Mean loss and accuracy; batches of similar length, since rows do not influence each other."""
    model.eval()
    loss, right = 0.0, 0
    order = torch.argsort((ids != 0).sum(1))
    for rows in order.split(batch_size):
        logits = model(ids[rows])
        loss += functional.cross_entropy(logits, labels[rows], reduction="sum").item()
        right += (logits.argmax(1) == labels[rows]).sum().item()
    return loss / len(ids), right / len(ids)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", required=True, help="directory with train.tsv.gz and test.tsv.gz")
    options.add_argument("--epochs", type=int, default=10)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--limit", type=int, help="only the first rows of both files")
    options.add_argument("--save-init", metavar="FILE", help="the initial weights, safetensors")
    options.add_argument("--losses", metavar="FILE", help="the loss of every training batch, a line each")
    options = options.parse_args()

    torch.set_flush_denormal(True)  # Before the first parallel region: its threads inherit the mode.
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    data = {name: tuple(torch.from_numpy(part.astype(np.int64)) for part in pair) for name, pair in imdb.load(options.data, options.limit).items()}
    model = Sentiment()
    if options.save_init:
        save_weights(model, options.save_init)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-5)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=2)

    ids, labels = data["train"]
    best, best_accuracy, best_epoch, losses = None, -1.0, 0, []
    for epoch in range(1, options.epochs + 1):
        model.train()
        start, total, right = time.perf_counter(), 0.0, 0
        for rows in torch.randperm(len(ids)).split(64):
            loss, count = train_step(model, optimizer, ids[rows], labels[rows])
            losses.append(loss)
            total, right = total + loss * len(rows), right + count
        seconds = time.perf_counter() - start
        validation_loss, validation_accuracy = evaluate(model, *data["validation"])
        schedule.step(validation_loss)
        if validation_accuracy > best_accuracy:
            best, best_accuracy, best_epoch = copy.deepcopy(model.state_dict()), validation_accuracy, epoch
        line = {"epoch": epoch, "train_loss": total / len(ids), "train_accuracy": right / len(ids)}
        line |= {"validation_loss": validation_loss, "validation_accuracy": validation_accuracy, "seconds": round(seconds, 1)}
        print(json.dumps(line), flush=True)
    if options.losses:
        with open(options.losses, "w") as file:
            file.writelines(f"{loss:.9g}\n" for loss in losses)

    model.load_state_dict(best)
    test_loss, test_accuracy = evaluate(model, *data["test"])
    line = {"best_epoch": best_epoch, "test_loss": test_loss, "test_accuracy": test_accuracy, "seed": options.seed}
    print(json.dumps(line | {"framework": f"torch {torch.__version__}", "threads": options.threads}), flush=True)


if __name__ == "__main__":
    main()
