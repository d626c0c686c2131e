"""The library beside PyTorch and Keras: the rows of this folder's benchmarks and of peers/, run alternately, as one table of ratios.

    python compare.py --build build/release/benchmarks --batches batches.safetensors --threads 1 2 --rounds 3 > table.md

The interpreter needs the packages of peers/README.md; peers/imdb.py writes the batches. A row's figure is the median over the rounds of the mean
time of a round's steps, (least-most) behind it. Of a framework's variants the fastest counts. Nothing else should run meanwhile; a ratio is a
framework's time divided by ours.
"""

import argparse
import json
import pathlib
import re
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
SIZES = ["D:128/H:128/B:64/T:200", "D:128/H:256/B:64/T:200", "D:256/H:256/B:32/T:100", "D:512/H:512/B:64/T:50", "D:650/H:650/B:20/T:35"]
SMALL = ["D:64/H:64/B:16/T:100", "D:32/H:32/B:1/T:1000"]


def table():
    """(row, our program, the framework's script, its row, variants, steps of a round)."""
    model, torch, keras = "model_throughput", "pytorch_rows.py", "keras_rows.py"
    yield "sentiment/lstm/train", model, torch, "sentiment/lstm/train", ["", "fused"], 10
    yield "sentiment/lstm-dropout/train", model, keras, "sentiment/lstm-dropout/train", [""], 10
    yield "sentiment/lstm-dropout-per-gate/train", model, keras, "sentiment/lstm-dropout/train", [""], 10
    yield "sentiment/bilstm/train", model, torch, "sentiment/bilstm/train", ["", "fused"], 3
    yield "sentiment/lstm/inference", model, torch, "sentiment/lstm/inference", [""], 10
    yield "sentiment/bilstm/inference", model, torch, "sentiment/bilstm/inference", ["", "packed"], 4
    yield "sentiment/lstm/inference-folded", model, torch, "sentiment/lstm/inference", [""], 10
    yield "sentiment/bilstm/inference-folded", model, torch, "sentiment/bilstm/inference", ["", "packed"], 4
    yield "words/lstm/train", model, torch, "words/lstm/train", ["", "fused"], 4
    yield "words/lstm-tied/train", model, torch, "words/lstm-tied/train", ["", "fused"], 20
    for texts in [1, 32]:
        yield f"words/lstm-tied/generate-{texts}", model, torch, f"words/lstm-tied/generate-{texts}", [""], 20
    yield "decoder/gru/train", model, torch, "decoder/gru/train", ["", "gates"], 5
    translation, theirs = "translation_throughput", "pytorch_translation.py"
    yield "translation/train", translation, theirs, "translation/train", ["", "fused", "packed-fused"], 5
    for kind in ["greedy", "beam-5"]:
        yield f"translation/{kind}", translation, theirs, f"translation/{kind}", [""], 1
    for kind in ["dot-1", "dot-8"]:
        yield f"attention/{kind}/train", model, torch, f"attention/{kind}/train", ["", "numbers", "written"], 20
    yield "attention/multi-head-8/train", model, torch, "attention/multi-head-8/train", ["", "weights"], 10
    for cell in ["lstm", "gru", "rnn"]:
        for size in SIZES + (SMALL if cell != "rnn" else []):
            row = f"{cell}/forward+backward/{size}"
            yield row, "cell_throughput", torch, row, ["", "no-onednn"] if cell == "lstm" else [""], 30 if size in SMALL else 5


def our_name(program, row):
    """What Google Benchmark calls the row."""
    if program != "cell_throughput":
        return row
    cell, what, d, h, b, t = row.split("/")
    return f"{cell}/unroll/{what}/{h}/{d}/{b}/{t}"


class Ours:
    def __init__(self, options, program, row, steps, threads):
        name = our_name(program, row).replace("+", r"\+")
        self.command = [options.build / program, f"--threads={threads}", f"--benchmark_filter=^{name}/", "--benchmark_format=json"]
        self.command += [f"--benchmark_min_time={0.4 if program == 'cell_throughput' else 1.0}"]
        if program == "model_throughput":
            self.command.append(f"--batches={options.batches}")
        self.row = {}

    def round(self):
        out = subprocess.run(self.command, capture_output=True, text=True, check=True).stdout
        self.row = json.loads(out)["benchmarks"][0]
        return self.row["real_time"]

    def close(self):
        return self.row.get("peak memory MB", 0)


class Peer:
    """A framework's process, which runs steps when it is told to."""

    def __init__(self, options, script, row, variant, steps, threads):
        self.steps = steps
        command = [sys.executable, HERE / "peers" / script, row, "--variant", variant, "--threads", str(threads), "--batches", options.batches]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.read()

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.process.args}: ended with {self.process.wait()}")
        return json.loads(line)

    def round(self):
        self.process.stdin.write(f"{self.steps}\n")
        self.process.stdin.flush()
        return self.read()["mean"]

    def close(self):
        self.process.stdin.close()
        return self.read()["peak_memory_mb"]


def spread(times):
    return f"{statistics.median(times):.3g} ({min(times):.3g}-{max(times):.3g})"


def compare(options, threads, row, program, script, their_row, variants, steps):
    sides = {"unroll": Ours(options, program, row, steps, threads)}
    sides |= {variant or "default": Peer(options, script, their_row, variant, steps, threads) for variant in variants}
    times = {name: [] for name in sides}
    for _ in range(options.rounds):
        for name, side in sides.items():
            times[name].append(side.round())
    memory = {name: side.close() for name, side in sides.items()}
    fastest = min((name for name in sides if name != "unroll"), key=lambda name: statistics.median(times[name]))
    ours = sides["unroll"].row
    ratio = statistics.median(times[fastest]) / statistics.median(times["unroll"])
    who = ("Keras" if script == "keras_rows.py" else "PyTorch") + (f" {fastest}" if fastest != "default" else "")
    share = ours["FLOP/s"] / ours["peak FLOP/s"] / threads
    cells = [f"`{row}`", str(threads), spread(times["unroll"]), f"{ours['FLOP/s'] / 1e9:.0f}", f"{100 * share:.0f} %", who, spread(times[fastest])]
    return cells + [f"**{ratio:.2f}**", f"{memory['unroll']:.0f} / {memory[fastest]:.0f}"]


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--build", type=pathlib.Path, required=True, help="the folder with model_throughput and cell_throughput")
    options.add_argument("--batches", default="", help="what peers/imdb.py wrote, for the rows sentiment/")
    options.add_argument("--threads", type=int, nargs="+", default=[1])
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--rows", default="", help="a regular expression")
    options = options.parse_args()
    print("| row | threads | unroll, ms | GFLOP/s | of the peak | beside | ms | ratio | memory, MB |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for threads in options.threads:
        for row, *rest in table():
            if re.search(options.rows, row):
                print("| " + " | ".join(compare(options, threads, row, *rest)) + " |", flush=True)


if __name__ == "__main__":
    main()
