#!/bin/sh
# What must not compile: sh run.sh FILE COMPILER FLAGS... A file holds several cases, each under `#if CASE == n`, and
# says for each what the compiler must answer, in a line `// CASE n: must say "text"`. The first error must have the
# text, and the whole answer, warnings and all, at most 25 lines. All else is shared, and with CASE 0 the file must
# compile without a warning: so a case cannot fail for the wrong reason.
set -eu
file=$1
shift
work=$(mktemp -d)
log=$work/log
trap 'rm -rf "$work"' EXIT
passed=0
failed=0

# The headers are read once for all cases. With the compiled part there is less to read; the sentences are the same.
set -- "$@" -DUNROLL_COMPILED -Wall -Wextra
grep '^#include' "$file" >"$work/first.hpp"
"$@" -x c++-header "$work/first.hpp" -o "$work/first.hpp.gch"
compiles() { "$@" -include "$work/first.hpp" -fsyntax-only "$file" >"$log" 2>&1; }
good() { passed=$((passed + 1)); }
bad() {
  failed=$((failed + 1))
  echo "$file: $1"
  head -n 30 "$log"
}

if compiles "$@" -DCASE=0 && [ ! -s "$log" ]; then good; else bad "case 0 must compile"; fi

declared=$(sed -n 's|^// CASE \([0-9][0-9]*\): must say ".*"$|\1|p' "$file")
for n in $declared; do
  text=$(sed -n "s|^// CASE $n: must say \"\(.*\)\"\$|\1|p" "$file")
  if compiles "$@" -DCASE="$n"; then
    bad "case $n must not compile"
  elif ! grep -m 1 'error: ' "$log" | grep -qF -- "$text"; then
    bad "case $n fails, but its first error does not say \"$text\""
  elif [ "$(wc -l <"$log")" -gt 25 ]; then
    bad "case $n fails with $(wc -l <"$log") lines, expected at most 25"
  else
    good
  fi
done

: >"$log"
for n in $(sed -n 's|.*CASE == \([1-9][0-9]*\).*|\1|p' "$file" | sort -un); do
  case " $(echo $declared) " in
    *" $n "*) ;;
    *) bad "case $n has no line that says what the compiler must answer" ;;
  esac
done
[ -n "$declared" ] || bad "no cases"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
