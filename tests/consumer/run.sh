#!/bin/sh
# The library as others use it: sh run.sh BUILD_DIRECTORY COMPILER FLAGS... Installs that build into a temporary folder,
# finds it from a project of its own, then uses the sources as a subdirectory, then calls the compiler by hand.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$here/../.." && pwd)
build=$1
shift
cmake=${CMAKE:-cmake}
version=$(sed -n 's/.*UNROLL_VERSION_STRING "\(.*\)"/\1/p' "$source/include/unroll/core/version.hpp")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0

good() { passed=$((passed + 1)); }
bad() {
  failed=$((failed + 1))
  echo "consumer: $1"
  tail -n 40 "$work/log"
}
# consume NAME "PROGRAM.." OPTION..: in a folder of its own, configure, build and run the programs.
consume() {
  name=$1
  programs=$2
  shift 2
  { "$cmake" -S "$here" -B "$work/$name" -DCMAKE_CXX_COMPILER="${CXX:-c++}" "$@" &&
      "$cmake" --build "$work/$name" --target $programs &&
      for program in $programs; do "$work/$name/$program" || return 1; done; } >"$work/log" 2>&1
}

if "$cmake" --install "$build" --prefix "$work/prefix" >"$work/log" 2>&1; then good; else bad "install"; fi

if consume found "consumer io_consumer" -DCMAKE_PREFIX_PATH="$work/prefix" -DUNROLL_WANTED="$version"; then
  good
else
  bad "find_package of version $version"
fi

# The compiled part, where it was installed, by programs of flags that are not its own.
if find "$work/prefix" -name 'libunroll.*' | grep -q .; then
  for flags in "-O0 -g -DUNROLL_UNOPTIMIZED" "-O2 -march=native" "-O2 -ffast-math" "-O3 -DNDEBUG" "-O2 -flto" clang++-19; do
    compiler=${CXX:-c++}
    case $flags in  # another compiler of the same ABI, whose names of templates must be the same
      clang*)
        command -v "$flags" >/dev/null || continue
        compiler=$flags flags=-O2
        ;;
    esac
    folder=$work/compiled$(echo "$compiler$flags" | tr -d ' =/')
    if { "$cmake" -S "$here" -B "$folder" -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_PREFIX_PATH="$work/prefix" \
           -DUNROLL_WANTED="$version" -DUNROLL_LINK_COMPILED=ON "-DCMAKE_CXX_FLAGS=$flags" &&
           "$cmake" --build "$folder" --target compiled_consumer && cd "$folder" && ./compiled_consumer; } \
      >"$work/log" 2>&1; then
      good
    else
      bad "the compiled part in a program of $compiler with $flags"
    fi
  done
fi

# Installed without the compiled part: found, and who asks for it is told.
configured() { "$cmake" -S "$here" -B "$@" -DCMAKE_CXX_COMPILER="${CXX:-c++}" -DUNROLL_WANTED="$version" >"$work/log" 2>&1; }
if { "$cmake" -S "$source" -B "$work/headers" -DUNROLL_COMPILED=OFF -DUNROLL_HEADER_ONLY=ON -DUNROLL_TESTS=OFF \
       -DUNROLL_EXAMPLES=OFF -DUNROLL_BENCHMARKS=OFF && "$cmake" --install "$work/headers" --prefix "$work/headers/prefix"; } >"$work/log" 2>&1 &&
  configured "$work/without" -DCMAKE_PREFIX_PATH="$work/headers/prefix"; then
  good
else
  bad "installed without the compiled part"
fi
if configured "$work/missing" -DCMAKE_PREFIX_PATH="$work/headers/prefix" -DUNROLL_LINK_COMPILED=ON; then
  bad "the compiled part must not be found where it was not installed"
elif grep -q 'without its compiled part' "$work/log"; then
  good
else
  bad "the compiled part is not found, but for another reason"
fi
if configured "$work/with" -DUNROLL_SUBDIRECTORY="$source" -DUNROLL_COMPILED=ON -DUNROLL_LINK_COMPILED=ON; then
  good
else
  bad "add_subdirectory with the compiled part"
fi

if consume refused consumer -DCMAKE_PREFIX_PATH="$work/prefix" -DUNROLL_WANTED=99; then
  bad "find_package of version 99 must fail"
elif grep -q "$version" "$work/log" && grep -q 'requested version "99"' "$work/log"; then
  good
else
  bad "find_package of version 99 fails, but for another reason"
fi

if consume subdirectory consumer -DUNROLL_SUBDIRECTORY="$source"; then good; else bad "add_subdirectory"; fi

if { "$@" -O2 -pthread "$here/main.cpp" -o "$work/by_hand" && "$work/by_hand"; } >"$work/log" 2>&1; then
  good
else
  bad "the compiler by hand"
fi

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
