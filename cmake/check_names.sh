#!/bin/sh
# clang-tidy's naming rules (.clang-tidy) on all headers, read as one file: sh cmake/check_names.sh
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp .clang-tidy "$work"
(cd include && find unroll -name '*.hpp') | sort | sed 's/.*/#include <&>/' >"$work/all.cpp"
if ${CLANG_TIDY:-clang-tidy-19} --quiet "$work/all.cpp" -- -std=c++20 -Iinclude \
  -isystem "${EIGEN_INCLUDE:-/usr/include/eigen3}" >"$work/log" 2>&1; then
  echo "1 passed, 0 failed"
else
  grep -E 'error|warning' "$work/log" || cat "$work/log"
  echo "0 passed, 1 failed"
  exit 1
fi
