"""One LSTM layer, forward + backward, for compilers and flags, at each SIMD level, as a share of the best of them.

    python benchmarks/flags.py --out /tmp/flags [--build-only]

Each compiler's `cell_throughput` goes to --out and is kept. The programs take turns, one thread; the table has the
median of the rounds. A second table has the library held to one level beside plain Eigen compiled for that level.
Nothing else should run on the machine.
"""
import argparse
import pathlib
import statistics
import subprocess

import cell_rows

ROOT = pathlib.Path(__file__).resolve().parent.parent
FLAGS = ["-O2", "-O3", "-O2 -march=native", "-O2 -march=x86-64-v3", "-O2 -ffast-math"]
SIZE = (256, 256, 32, 100)


def name_of(compiler, flags):
    return compiler + flags.replace(" ", "").replace("=", "-")


def build(program, compiler, flags):
    subprocess.run([compiler, "-std=gnu++20", *flags.split(), "-DNDEBUG", f"-I{ROOT / 'include'}", "-isystem",
                    "/usr/include/eigen3", ROOT / "benchmarks" / "cell_throughput.cpp", "-o", program, "-lbenchmark",
                    "-lpthread"], check=True)


def gflops(program, level, who):
    rows = cell_rows.measure(program, [SIZE], f"lstm/{who}/forward[+]backward", f"--level={level}", "--benchmark_min_time=0.3")
    return next(iter(rows.values()))[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--compilers", nargs="+", default=["g++-12", "clang++-19"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--build-only", action="store_true")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    programs = {}
    for compiler in arguments.compilers:
        for flags in FLAGS:
            program = programs[compiler, flags] = arguments.out / name_of(compiler, flags)
            if not program.exists():
                build(program, compiler, flags)
    if arguments.build_only:
        return

    levels = ["avx2", "avx512"]
    rounds = {(key, level): [] for key in programs for level in levels}
    for _ in range(arguments.rounds):
        for key, program in programs.items():
            for level in levels:
                rounds[key, level].append(gflops(program, level, "unroll"))
    medians = {key: statistics.median(values) for key, values in rounds.items()}
    best = {level: max(value for (_, of), value in medians.items() if of == level) for level in levels}
    print("| compiler, flags | " + " | ".join(f"{level}, GFLOP/s | of the best" for level in levels) + " |")
    print("| --- |" + " --- | --- |" * len(levels))
    for key in programs:
        cells = [f"{medians[key, level]:.0f} | {medians[key, level] / best[level]:.2f}" for level in levels]
        print(f"| {key[0]} `{key[1]}` | " + " | ".join(cells) + " |")

    print("\n| level | unroll, GFLOP/s | plain Eigen | ratio |\n| --- | --- | --- | --- |")
    for level, flags in {"baseline": "-O2", "avx2": "-O2 -march=x86-64-v3"}.items():
        program = programs[arguments.compilers[0], flags]
        pairs = [(gflops(program, level, "unroll"), gflops(program, level, "eigen")) for _ in range(arguments.rounds)]
        ours, theirs = (statistics.median(side) for side in zip(*pairs))
        print(f"| {level} | {ours:.0f} | {theirs:.0f} | {ours / theirs:.2f} |")


if __name__ == "__main__":
    main()
