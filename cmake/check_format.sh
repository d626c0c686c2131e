#!/bin/sh
# clang-format (.clang-format) on every C++ file: sh cmake/check_format.sh
set -eu
cd "$(dirname "$0")/.."
format=${CLANG_FORMAT:-clang-format-19}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if find include src tests examples benchmarks '(' -name '*.[hi]pp' -o -name '*.cpp' ')' -print0 |
  xargs -0 -P "${UNROLL_JOBS:-2}" -n 60 "$format" --dry-run -Werror >"$log" 2>&1; then
  echo "1 passed, 0 failed"
else
  printf 'not as .clang-format says; run %s -i on\n' "$format"
  sed -n 's/^\([^:]*\):[0-9]*:[0-9]*: error.*/\1/p' "$log" | sort -u
  grep -q 'error: code should be' "$log" || cat "$log"
  echo "0 passed, 1 failed"
  exit 1
fi
