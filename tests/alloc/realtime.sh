#!/bin/sh
# stream.cpp under clang's RealtimeSanitizer: what allocates, frees, locks, waits or writes in its `call` ends the program.
# sh realtime.sh, with CXX, a clang++ 20 or newer. The last line is `N passed, N failed`.
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0
check() {
  if [ "$2" -eq 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)) && echo "$1" && cat "$work/log"; fi
}
build() {
  ${CXX:-clang++} -std=c++20 -O2 -g1 -fsanitize=realtime -stdlib=libstdc++ --unwindlib=libgcc -I"$root/include" -isystem "${EIGEN_INCLUDE:-/usr/include/eigen3}" \
    "$1" -o "$work/program" >"$work/log" 2>&1
}

# The sanitizer notices.
cat >"$work/allocates.cpp" <<'END'
#include <cstdlib>
void* volatile kept;
void call() noexcept [[clang::nonblocking]] { kept = std::malloc(8); }
int main() { call(); }
END
status=1
if build "$work/allocates.cpp"; then
  "$work/program" >"$work/log" 2>&1
  [ $? -ne 0 ] && grep -q unsafe-library-call "$work/log" && status=0
fi
check "an allocation is not noticed" $status

status=1
build "$here/stream.cpp" && "$work/program" >"$work/log" 2>&1 && cat "$work/log" && status=0
check "streams are not fit for a real-time thread" $status
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
