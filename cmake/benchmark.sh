#!/bin/sh
# Measures the cells on this machine and prints a table: sh cmake/benchmark.sh [--quick] [options of cell_throughput,
# such as --threads=2 or --level=avx2]. Installs what is missing first. Takes less than three minutes on two cores, in
# which the machine should have nothing else to do. --quick measures next to nothing: it shows that all this runs.
set -eu
cd "$(dirname "$0")/.."

jobs=${UNROLL_JOBS:-$(nproc 2>/dev/null || echo 2)}
build=${UNROLL_BENCHMARK_BUILD:-build/benchmark}
programs="cell_throughput cell_throughput_native"
options="--benchmark_min_time=0.1 --benchmark_repetitions=3 --benchmark_report_aggregates_only=true"
sizes="128,128,64,100 256,256,32,50 32,32,1,500"  # H, D, B, T
if [ "${1-}" = --quick ]; then
  shift
  programs=cell_throughput
  options=--benchmark_min_time=0.001
  sizes="16,12,4,10"
fi
threads=1
for option; do
  case $option in
    --threads=*) threads=${option#--threads=} ;;
  esac
done

sh cmake/packages.sh g++ cmake ninja-build libeigen3-dev nlohmann-json3-dev libbenchmark-dev
if [ -z "${CMAKE_GENERATOR-}" ] && command -v ninja >/dev/null; then
  export CMAKE_GENERATOR=Ninja
fi

echo "== configuring $build"
cmake --preset release -B "$build" -DUNROLL_TESTS=OFF -DUNROLL_EXAMPLES=OFF -DUNROLL_BENCHMARKS=ON >/dev/null
echo "== building benchmarks/cell_throughput.cpp: $programs"
cmake --build "$build" -j "$jobs" --target $programs
files=
for program in $programs; do
  rows="unroll|eigen|stream"
  [ "$program" = cell_throughput ] || rows=eigen
  echo "== measuring $program"
  "$build/benchmarks/$program" --sizes="$sizes" --benchmark_filter="$rows" --benchmark_format=json $options "$@" \
    >"$build/$program.json" 2>"$build/$program.log" || { cat "$build/$program.log" >&2; exit 1; }
  files="$files $build/$program.json"
done

processor=$(sed -n 's/^model name[[:space:]]*: *//p' /proc/cpuinfo 2>/dev/null | head -n 1)
[ -n "$processor" ] || processor=$(LC_ALL=C lscpu 2>/dev/null | sed -n 's/^Model name: *//p' | head -n 1)
[ -n "$processor" ] || processor=$(sysctl -n machdep.cpu.brand_string 2>/dev/null || uname -m)
compiler=$(sed -n 's/^CMAKE_CXX_COMPILER:[^=]*=//p' "$build/CMakeCache.txt")
echo
awk -f benchmarks/table.awk -v threads="$threads" -v processor="$processor" \
  -v compiler="$("$compiler" --version | head -n 1) -O2" $files
