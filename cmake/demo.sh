#!/bin/sh
# Builds the sentiment example, trains it on the bundled reviews and asks it about a sentence:
# sh cmake/demo.sh [arguments of `sentiment train`]. Installs what is missing first.
set -eu
cd "$(dirname "$0")/.."

jobs=${UNROLL_JOBS:-$(nproc 2>/dev/null || echo 2)}
sh cmake/packages.sh g++ cmake ninja-build libeigen3-dev nlohmann-json3-dev libcli11-dev zlib1g-dev
if [ -z "${CMAKE_GENERATOR-}" ] && command -v ninja >/dev/null; then
  export CMAKE_GENERATOR=Ninja
fi

echo "== configuring build/demo"
cmake --preset release -B build/demo -DUNROLL_TESTS=OFF >/dev/null
echo "== building examples/sentiment.cpp"
cmake --build build/demo -j "$jobs" --target sentiment
echo "== training on the bundled reviews (examples/data)"
build/demo/examples/sentiment train --save build/demo/sentiment.safetensors "$@"
echo "== asking the saved model about three sentences"
build/demo/examples/sentiment predict --model build/demo/sentiment.safetensors \
  "The plot was superb." \
  "I would not call the plot superb." \
  "Although the acting was dreary, nobody could say that the plot was anything but superb."
if [ -t 0 ]; then
  echo "== your turn: a review a line, Ctrl-D to end"
  build/demo/examples/sentiment predict --model build/demo/sentiment.safetensors
fi
