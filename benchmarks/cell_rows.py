"""Rows of the benchmark program cell_throughput, for the scripts beside it."""
import json
import subprocess


def measure(program, sizes, pattern, *options):
    """{name: (GFLOP/s, GFLOP/s of the machine's peak)} of the rows that match."""
    text = " ".join(",".join(map(str, size)) for size in sizes)
    command = [program, f"--sizes={text}", f"--benchmark_filter={pattern}", "--benchmark_format=json", *options]
    rows = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)["benchmarks"]
    return {row["name"]: (row["FLOP/s"] / 1e9, row["peak FLOP/s"] / 1e9) for row in rows}
