#!/bin/sh
# Compiles each header alone, with warnings as errors: sh cmake/check_headers.sh [COMPILER]. Then those that must run on
# a microcontroller, together, without exceptions and run-time types.
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

(cd include && find unroll -name '*.hpp') | sort | while read -r header; do
  echo "#include <$header>" >"$work/$(echo "$header" | tr / .).cpp"
  case $header in
    unroll/stream/any_model.hpp) ;;
    unroll/core/* | unroll/kernel/* | unroll/cell/* | unroll/stream/*)
      echo "#include <$header>" >>"$work/embedded.cpp"
      ;;
  esac
done

export COMPILER="${1:-${CXX:-c++}} -std=c++20 -DUNROLL_UNOPTIMIZED -Iinclude -isystem ${EIGEN_INCLUDE:-/usr/include/eigen3} -Wall -Wextra \
  -Wpedantic -Wconversion -Wsign-conversion -Wdouble-promotion -Wshadow -Werror" work
# Every header begins with this one, which brings Eigen, and those that read files with JSON: read once, it takes a third
# of the time. What standard headers they bring would not be missed here: check_standard.awk sees to those.
echo '#include <unroll/core/config.hpp>' >"$work/first.hpp"
printf '%s\n' '#include <unroll/core/config.hpp>' '#include <nlohmann/json.hpp>' >"$work/first_json.hpp"
for first in first first_json; do
  $COMPILER -x c++-header "$work/$first.hpp" -o "$work/$first.hpp.gch"
done

cat >"$work/compile.sh" <<'END'
flags="-include $work/first.hpp"
case $1 in
  */embedded.cpp) flags="-fno-exceptions -fno-rtti" ;;
  */unroll.io.* | */unroll.stream.any_model.*) flags="-include $work/first_json.hpp" ;;
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
