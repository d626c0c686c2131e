#!/usr/bin/env python3
"""What counting words reaches on the bundled reviews: logistic regression on counts of one and two
words, its strength of regularization chosen by cross-validation on the training part.

Usage: python3 word_count_baseline.py        (needs scikit-learn)
"""

import pathlib

from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline


def read(path):
    rows = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]
    return [text for _, text in rows], [int(label) for label, _ in rows]


def main():
    here = pathlib.Path(__file__).resolve().parent
    train_texts, train_labels = read(here / "reviews_train.tsv")
    test_texts, test_labels = read(here / "reviews_test.tsv")
    # This token pattern keeps one-letter words, which the default drops.
    counts = CountVectorizer(ngram_range=(1, 2), token_pattern=r"(?u)\b\w+\b")
    model = make_pipeline(counts, LogisticRegression(max_iter=1000))
    strengths = {"logisticregression__C": [0.001, 0.01, 0.1, 1.0, 10.0]}
    search = GridSearchCV(model, strengths, cv=5).fit(train_texts, train_labels)
    for strength in strengths["logisticregression__C"]:
        model.set_params(logisticregression__C=strength).fit(train_texts, train_labels)
        print(f"C = {strength}: test {model.score(test_texts, test_labels):.4f}")
    print(f"chosen: C = {search.best_params_['logisticregression__C']}, "
          f"cross-validation {search.best_score_:.4f}, "
          f"test {search.score(test_texts, test_labels):.4f}")


if __name__ == "__main__":
    main()
