"""What pytorch_rows.py and keras_rows.py share: rows by name, and a loop that runs steps of one row when it is told to.

A row is `LAYER/forward/D:128/H:128/B:64/T:200` (LAYER lstm, gru or rnn; forward or forward+backward), `sentiment/PLAN/WHAT`,
`words/lstm/train`, `words/lstm-tied/WHAT` `decoder/gru/train` or `translation/WHAT`; the names are those of benchmarks/*_throughput.cpp.
"""

import argparse
import json
import resource
import statistics
import sys
import time


def options(description):
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("row")
    parser.add_argument("--variant", default="")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batches", help="safetensors with ids (n, 64, 200) and labels (n, 64), see imdb.py")
    parser.add_argument("--steps", type=int, help="run that many steps, print and leave; without it the standard input says when")
    return parser.parse_args()


def sizes(row):
    """{"D": 128, ...} of the named arguments of a row."""
    return {key: int(value) for key, value in (part.split(":") for part in row.split("/") if ":" in part)}


def read_batches(path):
    from safetensors.numpy import load_file

    batches = load_file(path)
    return batches["ids"], batches["labels"]


def serve(step, steps=None):
    """step(k) runs step k. A line N on the standard input: run steps 0 .. N - 1, print {"milliseconds": [one per step]}. At its end prints
    {"peak_memory_mb": ...}. The first steps of all are run unasked, and not timed."""
    for k in range(2):
        step(k)
    print(json.dumps({"ready": True}), flush=True)
    for line in [str(steps)] if steps else sys.stdin:
        times = []
        for k in range(int(line)):
            start = time.perf_counter()
            step(k)
            times.append(1000 * (time.perf_counter() - start))
        print(json.dumps({"milliseconds": times, "mean": statistics.fmean(times)}), flush=True)
    print(json.dumps({"peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}), flush=True)
