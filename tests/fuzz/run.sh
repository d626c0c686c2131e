#!/bin/sh
# Bytes of any kind into every reader of files: sh run.sh [RUNS [TARGET...]], by default 10^6 runs of each target with the
# address and undefined-behavior sanitizers. Starts from corpus/TARGET; what is found is kept in build/fuzz/TARGET. Needs
# clang with libFuzzer (Debian: clang-19 libclang-rt-19-dev). The last line is `N passed, N failed`.
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
runs=${1:-1000000}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- $(cd "$here" && ls ./*.cpp | sed 's|^\./||; s|\.cpp$||')
cxx=${CXX:-clang++-19}
if command -v ccache >/dev/null; then cxx="ccache $cxx"; fi
passed=0
failed=0
for target; do
  work=$root/build/fuzz/$target
  mkdir -p "$work/found" "$work/corpus"
  if $cxx -std=c++20 -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -DUNROLL_PLAIN_KERNELS \
      -I"$root/include" -isystem "${EIGEN_INCLUDE:-/usr/include/eigen3}" -c "$here/$target.cpp" -o "$work/$target.o" >"$work/log" 2>&1 &&
    ${CXX:-clang++-19} -fsanitize=fuzzer,address,undefined "$work/$target.o" -o "$work/$target" >>"$work/log" 2>&1 &&
    "$work/$target" -runs="$runs" -max_len=2400 -timeout=20 -rss_limit_mb=2048 -dict="$here/words.dict" -artifact_prefix="$work/found/" "$work/corpus" \
      "$here/corpus/$target" >>"$work/log" 2>&1; then
    passed=$((passed + 1))
    echo "ok      $target: $(grep -E '^(Done|stat::|#[0-9]+.*DONE)' "$work/log" | tail -n 1)"
  else
    failed=$((failed + 1))
    echo "FAILED  $target"
    tail -n 30 "$work/log"
  fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
