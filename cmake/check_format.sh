#!/bin/sh
# clang-format (.clang-format) on every C++ file: sh cmake/check_format.sh
set -eu
cd "$(dirname "$0")/.."
format=${CLANG_FORMAT:-clang-format-19}
wrong=$(find include src tests examples benchmarks '(' -name '*.[hi]pp' -o -name '*.cpp' ')' | sort | while read -r file; do
  "$format" "$file" | cmp -s - "$file" || echo "$file"
done)
if [ -z "$wrong" ]; then
  echo "1 passed, 0 failed"
else
  printf 'not as .clang-format says; run %s -i on\n%s\n0 passed, 1 failed\n' "$format" "$wrong"
  exit 1
fi
