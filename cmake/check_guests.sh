#!/bin/sh
# The library in other people's code: sh cmake/check_guests.sh [COMPILER]. All headers at once,
# - after headers of systems that define common names as macros: those of <windows.h> (min, small, ERROR, ..), X11 (None,
#   Bool, ..), Qt (slots, ..), <complex.h> (I), <termios.h> (B0, ..); what is not ours stands before them;
# - by -I, without run-time types, with warnings that others have and we have not.
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
compiler=${1:-${CXX:-c++}}
eigen=${EIGEN_INCLUDE:-/usr/include/eigen3}

(cd include && find unroll -name '*.hpp') | sort | sed 's/.*/#include <&>/' >"$work/all.hpp"
# All standard headers that ours include, and the packages.
{
  grep -hE '^#include <[a-z0-9_]+(\.h)?>' -r include | grep -v unroll | sort -u
  grep -hE '^ *#include <(Eigen|nlohmann|zlib|sys|unsupported)' -r include | grep -v Eigen/Version | sed 's/^ *//' | sort -u
  printf '#include <%s>\n' valarray complex regex any list forward_list iterator set cwchar clocale
} >"$work/theirs.hpp"

# A macro that takes arguments replaces a name before a parenthesis; the others every name. `@` compiles nowhere.
{
  cat "$work/theirs.hpp"
  printf '#define %s(a, b) @\n' min max
  for name in I small near far interface pascal cdecl hyper IN OUT OPTIONAL CONST VOID ERROR DELETE STRICT NEAR FAR TRUE \
    FALSE IGNORE INFINITE ABSOLUTE RELATIVE TRANSPARENT OPAQUE NO_ERROR PASSTHROUGH THIS \
    None Bool Status True False Success Always Above Below Complex Convex Absolute Expose Unsorted CurrentTime KeyPress \
    slots signals emit foreach forever Q_FOREACH \
    B0 B1 B50 CR0 NL0 ECHO TAB0 PI HIGH LOW INPUT OUTPUT DEFAULT YES NO Nil nil unix linux i386 BIG_ENDIAN LITTLE_ENDIAN \
    MIN MAX ABS LENGTH DEBUG OK CHECK REQUIRE ASSERT LOG DOMAIN OVERFLOW UNDERFLOW MINIMUM MAXIMUM PACKED STATIC INLINE \
    EMPTY Yield Sleep GetObject SendMessage CreateFile DeleteFile CopyFile LoadString DrawText; do
    printf '#undef %s\n#define %s @\n' $name $name
  done
  cat "$work/all.hpp"
  echo 'int main() {}'
} >"$work/macros.cpp"
printf '#include <complex.h>\n#include <unroll/unroll.hpp>\nint main() {}\n' >"$work/complex.cpp"
{ cat "$work/all.hpp" && echo 'int main() {}'; } >"$work/warnings.cpp"

passed=0
failed=0
# try NAME FLAG...
try() {
  name=$1
  shift
  if $compiler -DUNROLL_UNOPTIMIZED -Iinclude -isystem "$eigen" -fsyntax-only "$@" "$work/$name.cpp" >"$work/log" 2>&1; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAILED: $name $*"
    grep -E 'error|warning' "$work/log" | head -n "${UNROLL_LOG_LINES:-30}" || head "$work/log"
  fi
}
try macros -std=c++20
try complex -std=gnu++20
try warnings -std=c++20 -fno-rtti -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wdouble-promotion -Werror \
  $($compiler -dM -E -x c++ /dev/null | grep -q __clang__ || echo -Wuseless-cast -Wno-array-bounds)
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
