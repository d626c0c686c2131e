#!/bin/sh
# Runs a program of the documentation and compares what it prints: sh run.sh PROGRAM [EXPECTED [TOLERANCE]]. `...` in a
# line of EXPECTED stands for any text. With a tolerance, as programs need that train and print how it went, numbers may
# differ by so much, above 1 by so much of them: AVX2 and AVX-512 give the same bits, other levels round differently, and
# training makes more of it.
set -eu
out=$(mktemp)
trap 'rm -f "$out"' EXIT
"$1" >"$out" </dev/null
[ $# -gt 1 ] || exit 0
awk -v expected="$2" -v tolerance="${3-0}" '
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
  function is_number(word) { return word ~ /^-?[0-9]+([.][0-9]+)?[,:]?$/ }
  # Word by word; `...` as the last word stands for the rest of the line.
  function is_close(got, want,   is, should, n, m, i, scale) {
    n = split(got, is, " ")
    m = split(want, should, " ")
    for (i = 1; i <= m; i++) {
      if (i == m && should[i] == "...") return 1
      if (i > n) return 0
      if (is[i] == should[i]) continue
      scale = should[i] + 0 < 0 ? -should[i] : should[i] + 0
      if (scale < 1) scale = 1
      if (!is_number(is[i]) || !is_number(should[i])) return 0
      if (is[i] - should[i] > tolerance * scale || should[i] - is[i] > tolerance * scale) return 0
    }
    return n == m
  }
  function check(got,   want, more) {
    more = (getline want < expected) > 0
    if (more && (agrees(got, want) || (tolerance > 0 && is_close(got, want)))) return
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
