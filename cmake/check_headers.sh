#!/bin/sh
# Compiles each header alone, with warnings as errors, as the compiled part leaves it, which brings less than the
# header-only form: sh cmake/check_headers.sh [COMPILER]. Then all together header-only, and those that must run on a
# microcontroller, without exceptions and run-time types.
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A header that another one includes first of ours stands alone there, and need not be compiled once more.
(cd include && find unroll -name '*.hpp' -exec grep -m 1 -o '#include <unroll/[^>]*\.hpp>' {} ';') | sort -u >"$work/first"
(cd include && find unroll -name '*.hpp') | sort | while read -r header; do
  grep -qxF "#include <$header>" "$work/first" || echo "#include <$header>" >"$work/$(echo "$header" | tr / .).cpp"
  echo "#include <$header>" >>"$work/all.cpp"
  case $header in
    unroll/stream/any_model.hpp) ;;
    unroll/core/* | unroll/kernel/* | unroll/cell/* | unroll/stream/*)
      echo "#include <$header>" >>"$work/embedded.cpp"
      ;;
  esac
done

export COMPILER="${1:-${CXX:-c++}} -std=c++20 -DUNROLL_UNOPTIMIZED -Iinclude -isystem ${EIGEN_INCLUDE:-/usr/include/eigen3} -Wall -Wextra \
  -Wpedantic -Wconversion -Wsign-conversion -Wdouble-promotion -Wshadow -Werror" work
# Eigen read once: that a header which names Eigen includes it is for check_standard.awk to see.
echo '#include <Eigen/Core>' >"$work/first.hpp"
$COMPILER -DUNROLL_COMPILED -x c++-header "$work/first.hpp" -o "$work/first.hpp.gch"

cat >"$work/compile.sh" <<'END'
flags="-DUNROLL_COMPILED -include $work/first.hpp"
case $1 in
  */all.cpp) flags= ;;
  */embedded.cpp) flags="-fno-exceptions -fno-rtti" ;;
esac
if $COMPILER $flags -fsyntax-only "$1" >"$1.log" 2>&1; then
  mv "$1" "$1.passed"
else
  echo "FAILED: $(basename "$1" .cpp)"
  head -n 30 "$1.log"
fi
END
ls "$work"/*.cpp | xargs -P "${UNROLL_JOBS:-2}" -n 1 sh "$work/compile.sh"

failed=$(ls "$work" | grep -c '\.cpp$' || true)
echo "$(ls "$work" | grep -c '\.passed$' || true) passed, $failed failed"
[ "$failed" -eq 0 ]
