#!/bin/sh
# How many files say that there is a kind of layer: adds a cell and a layer to a copy of the library, by a header and by
# a line of the list each, and runs the tests that follow from being there: sh tests/kind/count.sh
set -eu
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r include tests "$work/"
cd "$work"

# The peephole LSTM by another name stands for a cell that nobody has heard of.
sed -e 's/PeepholeLstm/NewCell/g; s/peephole_lstm/new_cell/g' include/unroll/cell/peephole_lstm.hpp >include/unroll/cell/new_cell.hpp
sed -i -e 's|#include <unroll/cell/peephole_lstm.hpp>|&\n#include <unroll/cell/new_cell.hpp>|' \
  -e 's/RecurrentKind<PeepholeLstm<>>/&, RecurrentKind<NewCell<>>/' include/unroll/network/library_kinds.hpp
# And the layer norm for a layer.
sed -e 's/LayerNorm/NewLayer/g; s/layer_norm/new_layer/g' include/unroll/layer/layer_norm.hpp >include/unroll/layer/new_layer.hpp
sed -i -e 's|#include <unroll/layer/layer_norm.hpp>|&\n#include <unroll/layer/new_layer.hpp>|' \
  -e 's/LayerNormKind/&, NewLayerKind/' include/unroll/network/library_kinds.hpp

touched=$(cd "$OLDPWD" && diff -rq include "$work/include" | wc -l)
lines=$(cd "$OLDPWD" && diff include/unroll/network/library_kinds.hpp "$work/include/unroll/network/library_kinds.hpp" | grep -c '^>')
echo "a cell and a layer: $touched files (a header each and the list), $lines lines of the list"
[ "$touched" -eq 3 ]
${CXX:-g++} -std=c++20 -O0 -DUNROLL_PLAIN_KERNELS -DUNROLL_UNOPTIMIZED -Iinclude -isystem /usr/include/eigen3 \
  "-DUNROLL_TEST_DATA=\"$work/tests/data\"" tests/main.cpp tests/kind/library_kinds_test.cpp -o kinds -pthread
./kinds >said || true
tail -3 said
grep -q 'test cases:.* 0 failed' said
echo "1 passed, 0 failed"
