#!/bin/sh
# Mistakes that one could make in this library, each of which a named test must notice: sh run.sh [--ci] [NAME...]
# bugs.txt lists them. For each, a copy of include/ is changed, the test's file is compiled against the copy, and the
# test must fail; against the unchanged headers it must pass. A change that no longer finds its place in the source, or
# that no longer compiles, is a failure too. --ci takes the quick ones marked so; NAMEs those whose name contains one.
# CXX and CXXFLAGS are used; the last line is `N passed, N failed`.
set -u
here=$(cd "$(dirname "$0")" && pwd)
tests=$(dirname "$here")
root=$(dirname "$tests")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

only_ci=no
[ "${1-}" != --ci ] || { only_ci=yes; shift; }

cxx=${CXX:-g++}
if command -v ccache >/dev/null; then cxx="ccache $cxx"; fi
eigen=$(pkg-config --cflags-only-I eigen3 2>/dev/null | sed 's/^-I//; s/ *$//')
flags="-std=c++20 -O1 -DUNROLL_TEST_DATA=\"$tests/data\" -DUNROLL_SOURCE_DIR=\"$root\" ${CXXFLAGS-}"

cd "$work" || exit 1
# compile INCLUDE SOURCE OBJECT. The copy is called `include` wherever it is, so that ccache knows it again.
compile() { $cxx $flags -I"$1" -isystem "${eigen:-/usr/include/eigen3}" -c "$2" -o "$3" 2>"$work/log"; }
link() { $cxx "$work/main.o" "$1" -o "$2" -pthread 2>"$work/log"; }
# passes PROGRAM FILTER: at least one test case ran, and none failed.
passes() { timeout 300 "$1" --test-case="$2" --no-colors >"$work/log" 2>&1 && grep -Eq 'test cases: +[1-9]' "$work/log"; }

passed=0
failed=0
good() { passed=$((passed + 1)); echo "ok      $name: $test"; }
bad() { failed=$((failed + 1)); echo "FAILED  $name: $1"; sed 's/^/        /' "$work/log" | head -n 15; }

# The unchanged headers and this test: built and run once for all bugs that it has to notice.
sound() {
  program=$work/$(echo "$1" | tr / _)
  if [ ! -x "$program" ]; then
    compile "$root/include" "$tests/$1" "$program.o" && link "$program.o" "$program" || return 1
  fi
  passes "$program" "$2"
}

try() {
  : >"$work/log"
  sound "$file" "$test" || { bad "without the bug, $file does not pass or has no test '$test'"; return; }
  rm -rf include
  cp -R "$root/include" include
  perl "$here/change.pl" include/unroll "$here/bugs.txt" "$name" >"$work/log" 2>&1 || { bad "the change does not apply"; return; }
  compile include "$tests/$file" "$work/bug.o" && link "$work/bug.o" "$work/bug" || { bad "does not compile"; return; }
  if passes "$work/bug" "$test"; then
    bad "nobody noticed: '$test' passes"
  elif grep -Eq 'test cases: .* [1-9][0-9]* failed|CRASHED' "$work/log"; then
    good
  else
    bad "'$test' did not end as a failed test"
  fi
}

wanted() {
  [ "$only_ci" = no ] || [ "$ci" = yes ] || return 1
  [ $# -gt 0 ] || return 0
  for part; do case "$name" in *"$part"*) return 0 ;; esac; done
  return 1
}

compile "$root/include" "$tests/main.cpp" "$work/main.o" || { cat "$work/log"; echo "0 passed, 1 failed"; exit 1; }
perl "$here/change.pl" --list "$here/bugs.txt" >"$work/list" || { echo "0 passed, 1 failed"; exit 1; }
while IFS='|' read -r name file test ci; do
  if wanted "$@"; then try; fi
done <"$work/list"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
