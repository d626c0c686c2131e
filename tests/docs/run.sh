#!/bin/sh
# Runs a program of the documentation and compares what it prints: sh run.sh PROGRAM [EXPECTED]. `...` in a line of
# EXPECTED stands for any text (times, and digits that differ from one processor to the next).
set -eu
out=$(mktemp)
trap 'rm -f "$out"' EXIT
"$1" >"$out" </dev/null
[ $# -gt 1 ] || exit 0
awk -v expected="$2" '
  function agrees(got, want,   parts, n, i, at) {
    n = split(want, parts, /\.\.\./)
    if (n < 2) return got == want
    if (substr(got, 1, length(parts[1])) != parts[1]) return 0
    got = substr(got, length(parts[1]) + 1)
    for (i = 2; i < n; i++) {
      if (!(at = index(got, parts[i])) && parts[i] != "") return 0
      got = substr(got, at + length(parts[i]))
    }
    return length(got) >= length(parts[n]) && substr(got, length(got) - length(parts[n]) + 1) == parts[n]
  }
  function check(got,   want, more) {
    more = (getline want < expected) > 0
    if (more && agrees(got, want)) return
    print "line " NR "\n  printed:  " got "\n  expected: " (more ? want : "(the end)")
    exit status = 1
  }
  { check($0) }
  END {
    if (!status && (getline want < expected) > 0) {
      print "line " NR + 1 "\n  printed:  (the end)\n  expected: " want
      status = 1
    }
    exit status
  }' "$out"
