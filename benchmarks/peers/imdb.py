"""The IMDB reviews as both peers read them: the article's tokens, 20,000 words, the first 200 tokens, padded at the end with 0.

A directory holds train.tsv.gz and test.tsv.gz (or .tsv), a line `label<TAB>text`, 25,000 rows each. The vocabulary comes from all
rows of train; its last tenth (2,500 rows, not shuffled) is the validation set, because neighbors are often reviews of one movie.
"""

import argparse
import gzip
import pathlib
from collections import Counter

import numpy as np

from article_tokenizer import tokenize

WORDS, LENGTH, VALIDATION_SHARE = 20_000, 200, 0.1


def read(directory, split, limit=None):
    plain = pathlib.Path(directory) / f"{split}.tsv"
    data = plain.read_bytes() if plain.exists() else gzip.open(f"{plain}.gz").read()
    # Not splitlines(): the reviews hold U+0085, which that takes for the end of a line.
    rows = [line.split("\t", 1) for line in data.decode("utf-8", errors="replace").split("\n") if line][:limit]
    return [tokenize(text) for _, text in rows], np.array([int(label) for label, _ in rows])


def encode(texts, vocabulary):
    ids = np.zeros((len(texts), LENGTH), np.int32)
    for row, tokens in zip(ids, texts):
        known = [vocabulary.get(token, 1) for token in tokens[:LENGTH]]
        row[: len(known)] = known
    return ids


def load(directory, limit=None):
    """{"train": (ids (n, 200), labels (n)), "validation": ..., "test": ...}; `limit` keeps the first rows of both files."""
    texts, labels = read(directory, "train", limit)
    counts = Counter(token for text in texts for token in text)
    vocabulary = {"<PAD>": 0, "<OOV>": 1}
    for token, _ in counts.most_common(WORDS - 2):
        vocabulary[token] = len(vocabulary)
    ids = encode(texts, vocabulary)
    split = int(len(ids) * (1 - VALIDATION_SHARE))
    test_texts, test_labels = read(directory, "test", limit)
    return {
        "train": (ids[:split], labels[:split]),
        "validation": (ids[split:], labels[split:]),
        "test": (encode(test_texts, vocabulary), test_labels),
    }


def main():
    options = argparse.ArgumentParser(description="Writes shuffled training batches, safetensors: ids (n, 64, 200), labels (n, 64).")
    options.add_argument("--data", required=True)
    options.add_argument("--out", required=True)
    options.add_argument("--batches", type=int, default=20)
    options = options.parse_args()
    from safetensors.numpy import save_file

    ids, labels = load(options.data)["train"]
    order = np.random.default_rng(1).permutation(len(ids))[: options.batches * 64]
    save_file(
        {"ids": ids[order].reshape(-1, 64, LENGTH), "labels": labels[order].reshape(-1, 64).astype(np.int32)}, options.out
    )


if __name__ == "__main__":
    main()
