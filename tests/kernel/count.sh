#!/bin/sh
# How many files say that there is a SIMD level: adds one to a copy of the library, AVX2 by another name and with a
# maximum that tells it apart, by a header and a line of the list between two others, and runs what must know it:
# sh tests/kernel/count.sh
set -eu
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r include "$work/"
list=include/unroll/kernel/levels.hpp
sed -e '/^template <> struct UsualLevel/,/^};/d' -e 's/Avx2/NewLevel/g; s/UNROLL_AVX2/UNROLL_NEW_LEVEL/g' \
  -e 's/maxps256(\*a, \*b)/maxps256(-*a, -*b)/' \
  include/unroll/kernel/level/avx2.hpp >"$work/include/unroll/kernel/level/new_level.hpp"
sed -i -e 's|#include <unroll/kernel/level/baseline.hpp>|&\n#include <unroll/kernel/level/new_level.hpp>|' \
  -e 's|^  LEVEL(2, avx2, Avx2) .*|&\n  LEVEL(4, new_level, NewLevel) \\|' "$work/$list"

touched=$(diff -rq include "$work/include" | wc -l)
lines=$(diff "$list" "$work/$list" | grep -c '^> *LEVEL')
echo "a level: $touched files (its header and the list), $lines line of the list"
[ "$touched" -eq 2 ] && [ "$lines" -eq 1 ]
${CXX:-g++} -std=c++20 -O1 -DUNROLL_UNOPTIMIZED "-I$work/include" -isystem "${EIGEN_INCLUDE:-/usr/include/eigen3}" \
  tests/kernel/new_level.cpp -o "$work/levels" -pthread
"$work/levels"
echo "1 passed, 0 failed"
