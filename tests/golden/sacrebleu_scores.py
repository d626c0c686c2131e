"""BLEU of sacreBLEU, of a corpus that the test makes alike: whole numbers from a linear congruential generator."""

import sacrebleu
from sacrebleu.metrics import BLEU

from fixture import save

SENTENCES = 1000


class Numbers:
    """x = (1103515245 x + 12345) mod 2^31 from 7, without the last 8 bits."""

    def __init__(self):
        self.x = 7

    def below(self, n):
        self.x = (self.x * 1103515245 + 12345) % 2**31
        return (self.x >> 8) % n


def token(numbers):
    return numbers.below(1 + numbers.below(60))


def noisy(numbers, tokens):
    """A copy in which tokens are missing, replaced and doubled."""
    copy = []
    for t in tokens:
        kind = numbers.below(9)
        if kind > 1:
            copy.append(token(numbers) if kind == 2 else t)
        if kind == 3:
            copy.append(t)
    return copy


def corpus():
    """The hypotheses, and the references of each: 1 + n % 3 of sentence n."""
    numbers = Numbers()
    hypotheses, references = [], []
    for n in range(SENTENCES):
        first = [token(numbers) for _ in range(numbers.below(24))]
        references.append([first] + [noisy(numbers, first) for _ in range(n % 3)])
        hypotheses.append(noisy(numbers, first))
    return hypotheses, references


def text(tokens):
    return " ".join(map(str, tokens))


def bleu(**options):
    return BLEU(tokenize="none", force=True, **options)


def store(tensors, name, score):
    tensors[f"{name}.score"] = score.score
    tensors[f"{name}.precisions"] = score.precisions
    tensors[f"{name}.matches"] = score.counts
    tensors[f"{name}.totals"] = score.totals
    tensors[f"{name}.brevity_penalty"] = score.bp
    tensors[f"{name}.lengths"] = [score.sys_len, score.ref_len]


def main():
    hypotheses, references = corpus()
    texts = [text(h) for h in hypotheses]
    first = [text(of[0]) for of in references]
    streams = [[text(of[k]) if k < len(of) else None for of in references] for k in range(3)]
    shifted = first[1:] + first[:1]
    tensors = {}
    store(tensors, "one", bleu().corpus_score(texts, [first]))
    store(tensors, "several", bleu().corpus_score(texts, streams))
    store(tensors, "unrelated", bleu().corpus_score(texts, [shifted]))
    for name, options in (("sentence", {}), ("sentence_effective", {"effective_order": True})):
        scorer = bleu(**options)
        scores = [scorer.corpus_score([h], [[text(r)] for r in of]).score for h, of in zip(texts, references)]
        tensors[f"{name}.scores"] = scores
    save("sacrebleu_scores", tensors, generator="tests/golden/sacrebleu_scores.py", framework=f"sacrebleu {sacrebleu.__version__}", sentences=SENTENCES)


main()
