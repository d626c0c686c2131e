#!/bin/sh
# Runs the same program in several forms, which must print the same: sh run.sh PROGRAM PROGRAM...
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0
first=$1
"$first" >"$work/first"
[ -s "$work/first" ]
shift
for program; do
  if "$program" >"$work/other" && cmp -s "$work/first" "$work/other"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "$program differs from $first"
    diff "$work/first" "$work/other" || true
  fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
