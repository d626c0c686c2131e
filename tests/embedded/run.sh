#!/bin/sh
# Builds a program without exceptions and run-time types, looks at what it links, and runs it:
# sh run.sh SOURCE COMPILER FLAGS...
set -eu
source=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$@" -O2 -DNDEBUG -fno-exceptions -fno-rtti "$source" -c -o "$work/main.o"
passed=0
failed=0
check() {
  if [ "$2" -eq 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)) && echo "$1"; fi
}
# What an object asks for or brings along: operator new and delete, strings, streams, exceptions, unwinding, the heap, locks
# around what is made at its first use.
forbidden='__cxa_guard|operator new|operator delete|basic_string|__cxx11|basic_ostream|basic_istream|ios_base|__cxa_throw|_Unwind|gxx_personality|typeinfo|malloc|calloc|realloc'
status=0
nm -C "$work/main.o" | grep -E "$forbidden" && status=1
check "the program links what a microcontroller has not" $status
status=0
"$@" "$work/main.o" -o "$work/program" && "$work/program" || status=$?
check "the program ends with $status" $status
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
