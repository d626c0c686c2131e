"""Prints the digests that the tests beside it expect: what Python makes of every case there."""

import itertools
import re
import unicodedata


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


def every_code_point():
    # Between two letters, one a capital.
    return ("a" + chr(point) + "B" for point in range(0x110000) if not 0xD800 <= point < 0xE000)


def tokenized(tokenize, texts):
    for text in texts:
        tokens = list(tokenize(text))
        yield len(tokens)
        for token in tokens:
            data = token.encode()
            yield len(data)
            yield from data


def words(text):
    return re.sub(r"[^a-z\s]", "", text.lower()).split()


def kind(char):
    category, name = unicodedata.category(char), unicodedata.name(char, "")
    if category[0] in "LN" and re.search(
            "^(CJK|IDEOGRAPHIC [INC]|VERTICAL [IK]|HIRAGANA|HALFWIDTH KATA|KATAKANA|HENTAI)", name):
        return "S"
    return {"L": "L", "N": "L", "M": "M"}.get(category[0], " ")


def unicode_words(text):
    assert unicodedata.unidata_version == "14.0.0", "that of include/unroll/text/unicode_table.hpp"
    text = "".join(c for c in text if unicodedata.category(c) != "Cf" or c == "\u200B")
    for match in re.finditer("SM*|L[LM]*", "".join(map(kind, text))):
        word = text[match.start():match.end()]
        lower = "".join(map(str.lower, word))
        yield lower[:-1] + "\u03C2" if len(word) > 1 and word.endswith("\u03A3") else lower


def random_texts():
    # Twelve code points each, from ASCII, the scripts with cases, those below the ideographs, and all of Unicode.
    state = 1
    for _ in range(50000):
        text = ""
        for _ in range(12):
            state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
            point = (state >> 20) % [0x80, 0x600, 0x3400, 0x110000][state >> 62]
            text += " " if 0xD800 <= point < 0xE000 else chr(point)
        yield text


print(f"decode     {fnv1a(decoded()):#018x}")
for name, tokenize in [("article", words), ("whitespace", str.split), ("characters", list), ("unicode", unicode_words)]:
    print(f"{name:10} {fnv1a(tokenized(tokenize, every_code_point())):#018x}")
print(f"unicode, random texts {fnv1a(tokenized(unicode_words, random_texts())):#018x}")
