#!/bin/sh
# Builds and runs the tests: sh cmake/test.sh [release|dev|plain] [arguments of ctest]. Installs what is missing first.
# UNROLL_TEST_FOLDERS="kernel;layer" takes some folders of tests/ alone.
set -eu
cd "$(dirname "$0")/.."

preset=release
case ${1-} in
  release | dev | plain) preset=$1 && shift ;;
esac
jobs=${UNROLL_JOBS:-$(nproc 2>/dev/null || echo 2)}

sh cmake/packages.sh g++ cmake ninja-build libeigen3-dev nlohmann-json3-dev doctest-dev libcli11-dev zlib1g-dev libsndfile1-dev
if [ -z "${CMAKE_GENERATOR-}" ] && command -v ninja >/dev/null; then
  export CMAKE_GENERATOR=Ninja
fi

echo "== configuring build/$preset"
# Said again each time, because CMake remembers; `plain` has a list of its own.
folders=
if [ "$preset" != plain ] || [ -n "${UNROLL_TEST_FOLDERS-}" ]; then
  folders=-DUNROLL_TEST_FOLDERS=${UNROLL_TEST_FOLDERS-}
fi
cmake --preset "$preset" ${folders:+"$folders"} >/dev/null
echo "== building with $jobs jobs"
cmake --build --preset "$preset" -j "$jobs"
echo "== running the tests"
status=0
ctest --preset "$preset" -j "$jobs" "$@" || status=$?
awk -f cmake/total.awk "build/$preset/Testing/Temporary/LastTest.log"
exit $status
