"""The article's preprocessing of the IMDB reviews in Python: digests to compare with benchmarks/tokenize_check.cpp.

python3 article_tokenizer.py DIRECTORY     (with train.tsv.gz and test.tsv.gz, or .tsv: label<TAB>text)
"""

import gzip
import pathlib
import re
import sys
import time
from collections import Counter


def read_texts(directory, split):
    plain = pathlib.Path(directory) / f"{split}.tsv"
    data = plain.read_bytes() if plain.exists() else gzip.open(f"{plain}.gz").read()
    # Not splitlines(): the reviews hold U+0085, which that takes for the end of a line.
    lines = data.decode("utf-8", errors="replace").split("\n")
    return [line.split("\t", 1)[1] for line in lines if line]


def tokenize(text):
    return re.sub(r"[^a-z\s]", "", text.lower()).split()


def fnv1a(units):
    """FNV-1a of 64 bits over whole integers instead of bytes: Python is slow enough as it is."""
    digest = 0xCBF29CE484222325
    for unit in units:
        digest = (digest ^ unit) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return digest


def units_of_ids(encoded):
    for ids in encoded:
        yield len(ids)
        yield from ids


def units_of_tokens(tokens):
    for token in tokens:
        data = token.encode()
        yield len(data)
        yield from data


def main(directory):
    train, test = read_texts(directory, "train"), read_texts(directory, "test")

    start = time.perf_counter()
    tokens = [tokenize(text) for text in train]
    counts = Counter(token for text in tokens for token in text)
    vocabulary = {"<PAD>": 0, "<OOV>": 1}
    for token, _ in counts.most_common(20000 - 2):
        vocabulary[token] = len(vocabulary)
    encoded = [[vocabulary.get(token, 1) for token in text] for text in tokens]
    seconds = time.perf_counter() - start

    encoded_test = [[vocabulary.get(token, 1) for token in tokenize(text)] for text in test]
    print(f"vocabulary {len(vocabulary)} tokens {fnv1a(units_of_tokens(vocabulary)):016x}")
    for name, ids in ("train", encoded), ("test", encoded_test):
        print(f"{name} {len(ids)} texts {sum(map(len, ids))} ids {fnv1a(units_of_ids(ids)):016x}")
    print(f"tokenize + vocabulary + encode of train: {seconds:.3f} s", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1])
