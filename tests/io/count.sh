#!/bin/sh
# How many files say that there is a format of another program: adds one to a copy of the library, by its reader and by
# an include and a line of the list, and reads a model with it: sh tests/io/count.sh
set -eu
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r include "$work/"
list=include/unroll/format/formats.ipp
cat >"$work/include/unroll/format/new_format.ipp" <<'READER'
#pragma once
#include <unroll/format/network_json.hpp>
#include <unroll/network/library_kinds.hpp>
namespace unroll::inline UNROLL_ABI::detail {
inline Network network_from_new_format(const JsonAt& root) {
  LayerData dense{&layer_kind<DenseKind>};
  dense.tensors["weight"] = root.at("a_dense_layer").matrix(1, 2);
  Network network;
  network.layers.push_back(std::move(dense));
  return network;
}
}
READER
sed -i -e 's|#include <unroll/format/nam.ipp>|&\n#include <unroll/format/new_format.ipp>|' \
  -e 's|json_formats\[\] = {|&{"New", "a_dense_layer", \&network_from_new_format},\n|' "$work/$list"

touched=$(diff -rq include "$work/include" | wc -l)
lines=$(diff "$list" "$work/$list" | grep -c '^>.*New')
echo "a format: $touched files (its reader and the list), an include and $lines line of the list"
[ "$touched" -eq 2 ] && [ "$lines" -eq 1 ]
cat >"$work/new.cpp" <<'PROGRAM'
#include <span>
#include <string_view>
#include <unroll/format/load_network.hpp>
int main() {
  const std::string_view text = R"({"a_dense_layer": [[2, 3]]})";
  const auto network = unroll::load_network(std::as_bytes(std::span(text)), "new");
  return network.inputs() == 2 && network.layers[0].tensor("weight")(0, 1) == 3 ? 0 : 1;
}
PROGRAM
${CXX:-g++} -std=c++20 -O0 -DUNROLL_PLAIN_KERNELS -DUNROLL_UNOPTIMIZED "-I$work/include" \
  -isystem "${EIGEN_INCLUDE:-/usr/include/eigen3}" "$work/new.cpp" -o "$work/new" -pthread
"$work/new"
echo "1 passed, 0 failed"
