#!/bin/sh
# Kills and faults: sh run.sh [KILLS]. Every writer of files under a system call that fails or is interrupted, whichever
# it is (writers.cpp); training killed at random moments and resumed (kill.cpp), by default 200 times. The last line is
# `N passed, N failed`. Linux.
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$root/build/faults
mkdir -p "$work"
cxx=${CXX:-g++}
if command -v ccache >/dev/null; then cxx="ccache $cxx"; fi
compile() {
  name=$1 from=$2
  shift 2
  $cxx -std=c++20 -I"$root/include" -isystem "${EIGEN_INCLUDE:-/usr/include/eigen3}" "$@" -c "$from" -o "$work/$name.o" &&
    ${CXX:-g++} "$work/$name.o" -o "$work/$name" -pthread -ldl -lz
}
compile writers "$here/writers.cpp" -O0 -DUNROLL_PLAIN_KERNELS &&
  compile kill "$here/kill.cpp" -O0 -DUNROLL_PLAIN_KERNELS &&
  compile sentiment "$root/examples/sentiment.cpp" -O2 "-DUNROLL_EXAMPLE_DATA=\"$root/examples/data\"" || exit 1
{
  "$work/writers" || echo "writers: exit status $?"
  "$work/kill" "$work/sentiment" "$root/examples/data/reviews_train.tsv" "$root/examples/data/reviews_test.tsv" \
    "${1:-200}" || echo "kill: exit status $?"
} | awk '
  /exit status/ { ++crashed }
  /^[0-9]+ passed, [0-9]+ failed$/ { passed += $1; failed += $3; ++ended; next }
  { print }
  END {
    if (ended < 2 || (crashed && !failed)) failed += 1
    print passed + 0 " passed, " failed + 0 " failed"
    exit failed > 0
  }'
