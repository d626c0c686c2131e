"""The model of examples/tagger with a softmax in PyTorch: words and their characters, a bidirectional LSTM, parts of speech.

    python pytorch_tagger.py --train TRAIN.conllu.gz --valid DEV.conllu.gz --test TEST.conllu.gz --seed 1 --threads 1

Prints a JSON line per epoch, then the test accuracy of the epoch that was best on the validation part.
"""

import argparse
import collections
import copy
import gzip
import json
import math
import time

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence


def read(path):
    """Sentences of (word, tag)."""
    sentences = [[]]
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            columns = line.rstrip("\n").split("\t")
            if len(columns) == 10 and columns[0].isdigit():
                sentences[-1].append((columns[1], columns[3]))
            elif not line.strip() and sentences[-1]:
                sentences.append([])
    return [sentence for sentence in sentences if sentence]


class Tagger(nn.Module):
    def __init__(self, words, characters, tags):
        super().__init__()
        self.words, self.characters = nn.Embedding(words, 100), nn.Embedding(characters, 25)
        self.spell = nn.LSTM(25, 50, bidirectional=True, batch_first=True)
        self.read = nn.LSTM(200, 200, bidirectional=True, batch_first=True)
        self.head = nn.Linear(400, tags)
        self.drop = nn.Dropout(0.5)

    def forward(self, sentences, spelling):
        """sentences: lists of (ids of words, ids of spellings); spelling: tensors of characters. Scores (words of all, tags)."""
        lengths = torch.tensor([len(words) for words, _ in sentences])
        needed, places = torch.cat([spelled for _, spelled in sentences]).unique(return_inverse=True)  # equal words once
        letters = [spelling[k] for k in needed.tolist()]
        packed = pack_padded_sequence(
            self.characters(pad_sequence(letters, batch_first=True)), torch.tensor([len(of) for of in letters]), batch_first=True, enforce_sorted=False
        )
        spelled = torch.cat(tuple(self.spell(packed)[1][0]), 1)[places]
        words = self.words(torch.cat([words for words, _ in sentences]))
        if self.training:  # of a quarter of the words only the letters are seen
            words = words * (torch.rand(len(words), 1) >= 0.25)
        x = self.drop(torch.cat([words, spelled], 1)).split(lengths.tolist())
        packed = pack_padded_sequence(pad_sequence(x, batch_first=True), lengths, batch_first=True, enforce_sorted=False)
        h, _ = pad_packed_sequence(self.read(packed)[0], batch_first=True)
        return self.head(self.drop(h[torch.arange(h.shape[1]) < lengths[:, None]]))


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in "train", "valid", "test":
        options.add_argument(f"--{name}", required=True)
    options.add_argument("--epochs", type=int, default=15)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--threads", type=int, default=1)
    options = options.parse_args()
    torch.set_flush_denormal(True)
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)

    train, valid, test = (read(path) for path in (options.train, options.valid, options.test))
    counts = collections.Counter(word for sentence in train for word, _ in sentence)
    words = {word: k + 2 for k, word in enumerate(word for word, count in counts.most_common() if count > 1)}
    characters = {c: k + 2 for k, c in enumerate(sorted({c for word in counts for c in word}))}
    tags = {tag: k for k, tag in enumerate(sorted({tag for sentence in train for _, tag in sentence}))}
    numbers, spelling = {}, []

    def encode(sentences):
        encoded = []
        for sentence in sentences:
            for word, _ in sentence:
                if word not in numbers:
                    numbers[word] = len(spelling)
                    spelling.append(torch.tensor([characters.get(c, 1) for c in word]))
            ids = torch.tensor([words.get(word, 1) for word, _ in sentence])
            spelled = torch.tensor([numbers[word] for word, _ in sentence])
            encoded.append(((ids, spelled), torch.tensor([tags[tag] for _, tag in sentence])))
        return encoded

    train, valid, test = encode(train), encode(valid), encode(test)
    model = Tagger(len(words) + 2, len(characters) + 2, len(tags))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, options.epochs * math.ceil(len(train) / 16), eta_min=2e-3 / 50)

    @torch.no_grad()
    def accuracy(data):
        model.eval()
        right = total = 0
        for first in range(0, len(data), 64):
            part = data[first : first + 64]
            truth = torch.cat([tag for _, tag in part])
            right += (model([of for of, _ in part], spelling).argmax(1) == truth).sum().item()
            total += len(truth)
        model.train()
        return right / total

    best, kept = 0, None
    for epoch in range(1, options.epochs + 1):
        begin = time.perf_counter()
        order = torch.randperm(len(train)).tolist()
        for first in range(0, len(order), 16):
            part = [train[k] for k in order[first : first + 16]]
            loss = nn.functional.cross_entropy(model([of for of, _ in part], spelling), torch.cat([tag for _, tag in part]))
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5)
            optimizer.step()
            schedule.step()
        seconds, found = time.perf_counter() - begin, accuracy(valid)
        if found > best:
            best, kept = found, copy.deepcopy(model.state_dict())
        print(json.dumps({"epoch": epoch, "val_accuracy": round(found, 4), "seconds": round(seconds, 1)}), flush=True)
    model.load_state_dict(kept)
    print(json.dumps({"seed": options.seed, "test_accuracy": round(accuracy(test), 4)}))


if __name__ == "__main__":
    main()
