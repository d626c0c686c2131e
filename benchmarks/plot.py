"""Draws GFLOP/s over H and over B, forward + backward, one thread, of each cell beside the machine's peak: two SVGs.

    python benchmarks/plot.py --build build/release/benchmarks --out docs/figures

Needs matplotlib. Nothing else should run on the machine; it takes about four minutes.
"""
import argparse
import pathlib
import statistics

import matplotlib

import cell_rows

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402

CELLS = {"lstm": "LSTM", "gru": "GRU", "gru-reset-before": "GRU, reset before", "rnn": "RNN", "own": "a user's cell"}
UNITS = [16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024]
BATCHES = [1, 2, 4, 8, 16, 24, 32, 48, 64, 96, 128]


def measure(program, sizes, name):
    """GFLOP/s of each cell at each value of the argument `name`, and the peak of the same run."""
    rows = cell_rows.measure(program, sizes, "/unroll/forward[+]backward", "--threads=1", "--benchmark_min_time=0.5")
    lines = {cell: {} for cell in CELLS}
    for row, (gflops, _) in rows.items():
        arguments = dict(part.split(":") for part in row.split("/") if ":" in part)
        lines[row.split("/")[0]][int(arguments[name])] = gflops
    return {cell: dict(sorted(values.items())) for cell, values in lines.items()}, statistics.median(peak for _, peak in rows.values())


def draw(path, title, label, lines, peak):
    figure, axes = plt.subplots(figsize=(7, 4))
    for cell, values in lines.items():
        axes.plot(list(values), list(values.values()), marker="o", markersize=3, label=CELLS[cell])
    axes.axhline(peak, color="gray", linestyle="--", label="peak of a thread")
    ticks = sorted({value for values in lines.values() for value in values})
    axes.set(xscale="log", xlabel=label, ylabel="GFLOP/s", title=title, ylim=(0, peak * 1.08))
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend()
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, required=True, help="where cell_throughput is")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder for the two files")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    program = arguments.build / "cell_throughput"
    plt.rcParams.update({"svg.hashsalt": "unroll", "svg.fonttype": "none"})
    over_units = measure(program, [(units, units, 64, 50) for units in UNITS], "H")
    draw(arguments.out / "units.svg", "Forward + backward, D = H, B = 64, T = 50", "H", *over_units)
    over_batch = measure(program, [(256, 256, batch, 50) for batch in BATCHES], "B")
    draw(arguments.out / "batch.svg", "Forward + backward, D = H = 256, T = 50", "B", *over_batch)


if __name__ == "__main__":
    main()
