#!/bin/sh
# Mistakes that one could make in this library, each of which a named test must notice: sh run.sh [--ci] [NAME...]
# bugs.txt lists them. For each, a copy of include/ is changed, the test's file is compiled against the copy, and the
# test must fail; against the unchanged headers it must pass. A change that no longer finds its place in the source, or
# that no longer compiles, is a failure too. --ci takes the quick ones marked so; NAMEs those whose name contains one.
# CXX, CXXFLAGS and UNROLL_JOBS are used; the last line is `N passed, N failed`.
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
# Those that every change is tested with need no kernel of a level, and compile in half the time without.
optimize=-O1
[ "$only_ci" = no ] || optimize="-O0 -DUNROLL_UNOPTIMIZED -DUNROLL_PLAIN_KERNELS"
flags="-std=c++20 $optimize -DUNROLL_TEST_DATA=\"$tests/data\" -DUNROLL_SOURCE_DIR=\"$root\" ${CXXFLAGS-}"

jobs=${UNROLL_JOBS:-$(nproc 2>/dev/null || echo 2)}
main=$work/main.o
cd "$work" || exit 1
# compile INCLUDE SOURCE OBJECT. The copy is called `include` wherever it is, so that ccache knows it again.
compile() { $cxx $flags -I"$1" -isystem "${eigen:-/usr/include/eigen3}" -c "$2" -o "$3" 2>"$work/log"; }
link() { $cxx "$main" "$1" -o "$2" -pthread 2>"$work/log"; }
# passes PROGRAM FILTER: at least one test case ran, and none failed.
passes() { timeout 300 "$1" --test-case="$2" --no-colors >"$work/log" 2>&1 && grep -Eq 'test cases: +[1-9]' "$work/log"; }

good() { echo "ok      $name: $test"; }
bad() { echo "FAILED  $name: $1"; sed 's/^/        /' "$work/log" | head -n 15; }

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

# The bugs of list.JOB, in a folder of their own.
run_job() {
  mkdir "$work/$1"
  work=$work/$1
  cd "$work" || exit 1
  while IFS='|' read -r name file test ci; do try; done <"../list.$1"
}

compile "$root/include" "$tests/main.cpp" "$main" || { cat "$work/log"; echo "0 passed, 1 failed"; exit 1; }
perl "$here/change.pl" --list "$here/bugs.txt" >"$work/all" || { echo "0 passed, 1 failed"; exit 1; }
while IFS='|' read -r name file test ci; do
  if wanted "$@"; then echo "$name|$file|$test|$ci"; fi
done <"$work/all" >"$work/wanted"
[ -s "$work/wanted" ] || { echo "no bug has such a name"; echo "0 passed, 0 failed"; exit 1; }
# All bugs of a test file go to one job, so that the file is compiled once without a bug.
awk -F'|' -v jobs="$jobs" '!($2 in job) { job[$2] = files++ % jobs } { print >("list." job[$2]) }' "$work/wanted"
for list in list.*; do
  run_job "${list#list.}" >"results.${list#list.}" &
done
wait

cat results.*
failed=$(cat results.* | grep -c '^FAILED ' || true)
passed=$(cat results.* | grep -c '^ok ' || true)
if [ "$((passed + failed))" -ne "$(wc -l <wanted)" ]; then
  echo "FAILED  a job ended early"
  failed=$((failed + 1))
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
