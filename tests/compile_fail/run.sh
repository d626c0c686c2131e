#!/bin/sh
# What must not compile: sh run.sh FILE COMPILER FLAGS... A file holds several cases, each under `#if CASE == n`, and
# says for each what the compiler must answer, in a line `// CASE n: must say "text"`. All else is shared, and with
# CASE 0 the file must compile: so a case cannot fail for the wrong reason.
set -eu
file=$1
shift
log=$(mktemp)
trap 'rm -f "$log"' EXIT
passed=0
failed=0

compiles() { "$@" -fsyntax-only "$file" >"$log" 2>&1; }
good() { passed=$((passed + 1)); }
bad() {
  failed=$((failed + 1))
  echo "$file: $1"
  head -n 30 "$log"
}

if compiles "$@" -DCASE=0; then good; else bad "case 0 must compile"; fi

declared=$(sed -n 's|^// CASE \([0-9][0-9]*\): must say ".*"$|\1|p' "$file")
for n in $declared; do
  text=$(sed -n "s|^// CASE $n: must say \"\(.*\)\"\$|\1|p" "$file")
  if compiles "$@" -DCASE="$n"; then
    bad "case $n must not compile"
  elif ! grep -qF -- "$text" "$log"; then
    bad "case $n fails, but without saying \"$text\""
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
