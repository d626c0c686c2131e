#!/bin/sh
# Bytes of any kind into every reader of files: sh run.sh [RUNS [TARGET...]], by default 2 million inputs over all targets,
# half an hour on two cores. Each target runs twice from corpus/TARGET: with the address and undefined-behavior
# sanitizers, and without them, which replays what the first run found and goes on with some inputs of up to 200 kB, so
# that time and memory are measured (fuzz.hpp has the limits). What is found is kept in build/fuzz/TARGET/found. Needs
# clang with libFuzzer (Debian: clang-19 libclang-rt-19-dev); UNROLL_JOBS targets at a time, by default 2. The last line
# is `N passed, N failed`.
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
plain_cxx=${CXX:-clang++-19}
cxx=$plain_cxx
if command -v ccache >/dev/null; then cxx="ccache $cxx"; fi

# build TARGET NAME [SANITIZERS]: libFuzzer's main, and the sanitizers ",address,undefined".
build() {
  $cxx -std=c++20 -O1 -g1 -fsanitize=fuzzer-no-link"$3" -fno-sanitize-recover=all -DUNROLL_PLAIN_KERNELS \
    -I"$root/include" -isystem "${EIGEN_INCLUDE:-/usr/include/eigen3}" -c "$here/$1.cpp" -o "$work/$2.o" &&
    $plain_cxx -fsanitize=fuzzer"$3" "$work/$2.o" -o "$work/$2" -lz -pthread
}
# fuzz PROGRAM RUNS LONGEST
fuzz() {
  "$work/$1" -runs="$2" -max_len="$3" -timeout=60 -rss_limit_mb=2560 -dict="$here/words.dict" \
    -artifact_prefix="$work/found/" -print_final_stats=1 "$work/corpus" "$here/corpus/$target"
}
if [ "${1:-}" = --one ]; then
  target=$2
  runs=$3
  work=$root/build/fuzz/$target
  mkdir -p "$work/found" "$work/corpus"
  if (build "$target" sanitized ,address,undefined && build "$target" measured "" && fuzz sanitized "$runs" 4096 &&
      fuzz measured $((runs / 40 + 1)) 200000) >"$work/log" 2>&1; then
    echo "ok      $target: $(grep -E '^Done' "$work/log" | paste -s -d ' ')"
  else
    echo "FAILED  $target"
    grep -E 'error:|^fuzz: |ERROR:|runtime error|SUMMARY|what\(\)|Test unit' "$work/log" | head -n 12
    tail -n 30 "$work/log"
  fi
  exit 0
fi
runs=${1:-2000000}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- $(cd "$here" && ls ./*.cpp | sed 's|^\./||; s|\.cpp$||')
mkdir -p "$root/build/fuzz"
printf '%s\n' "$@" | xargs -P "${UNROLL_JOBS:-2}" -I TARGET sh "$here/run.sh" --one TARGET $((runs / $#)) |
  tee "$root/build/fuzz/report"
passed=$(grep -c '^ok ' "$root/build/fuzz/report")
echo "$passed passed, $(($# - passed)) failed"
[ "$passed" -eq $# ]
