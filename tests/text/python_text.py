"""Prints the digests that utf8_test.cpp and tokenizer_test.cpp expect: what Python makes of every case there."""

import itertools
import re


def fnv1a(units):
    digest = 0xCBF29CE484222325
    for unit in units:
        digest = (digest ^ unit) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return digest


def decoded():
    # Every sequence of four of these bytes: each border of the table of well-formed UTF-8 is among them.
    borders = [0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE,
               0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF]
    for sequence in itertools.product(borders, repeat=4):
        text = bytes(sequence).decode("utf-8", errors="replace")
        yield len(text)
        yield from map(ord, text)


def tokenized(tokenize):
    # Every code point between two letters, one a capital.
    for point in range(0x110000):
        if 0xD800 <= point < 0xE000:
            continue
        tokens = tokenize("a" + chr(point) + "B")
        yield len(tokens)
        for token in tokens:
            data = token.encode()
            yield len(data)
            yield from data


def words(text):
    return re.sub(r"[^a-z\s]", "", text.lower()).split()


print(f"decode     {fnv1a(decoded()):#018x}")
print(f"article    {fnv1a(tokenized(words)):#018x}")
print(f"whitespace {fnv1a(tokenized(str.split)):#018x}")
print(f"characters {fnv1a(tokenized(list)):#018x}")
