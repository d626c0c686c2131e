// What a recurrent layer makes before the steps of a batch: threads' shares, masks, packed weights and room.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>

#include <unroll/layer/recurrent/chunks.hpp>
#include <unroll/layer/recurrent/parts.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
/// Sequences to threads.
template <class T, int S>
void share_sequences(const RecurrentParts<T, S>& layer, const Packing& p, RecurrentBuffers<T, S>& c) {
  const auto& cell = layer.cell;
  const auto units = static_cast<double>(cell.state_rows[0]), rows = static_cast<double>(cell.gate_rows);
  c.ranges.balance(p, rows * (units + static_cast<double>(cell.inputs)));
  // A thread's range may be wider in a later batch that is no larger: room for all sequences, whatever the range.
  const auto most = static_cast<std::size_t>(threads());
  if (c.scratch.size() < most) c.scratch.resize(most);
  if (c.input_scratch.size() < most) c.input_scratch.resize(most);
  const Index longest = (std::max)({cell.gate_rows, cell.inputs, cell.state_rows[0]});
  for (auto& scratch : c.scratch) scratch.product.reserve(longest, p.batch(), longest);
  for (auto& scratch : c.input_scratch) {
    scratch.product.reserve(longest, 0, longest);
    scratch.masked.resize(cell.inputs, p.total());
  }
}
template <class T, int S>
void draw_masks(const RecurrentParts<T, S>& layer, const Context& context, const Packing& p,
                RecurrentBuffers<T, S>& c) {
  const auto& cell = layer.cell;
  const RecurrentOptions& options = layer.options;
  const auto masks = [&](int gates) { return options.per_gate ? gates : 1; };
  c.input.mask.draw(context, 0, options.input_dropout, masks(cell.gates), cell.inputs, p);
  c.mask.draw(context, 100, options.recurrent_dropout, masks(cell.recurrent_gates), cell.state_rows[0], p);
  for (auto& scratch : c.scratch)
    scratch.values.resize((std::max)(cell.state_rows[0] * (std::max)(c.mask.count, 1), cell.scratch_rows), p.batch());
}
/// Room for any segment; the first in time is the largest.
template <class T, int S>
void reserve_segments(const RecurrentParts<T, S>& layer, const Packing& p, const Segments& segments,
                      RecurrentBuffers<T, S>& c, bool same_weights) {
  const auto& cell = layer.cell;
  const bool whole = segments.count <= 1;
  const Index columns = whole ? p.total() : (std::min)(p.total(), p.offset(segments.length) + depth_block - 1);
  const auto at_once = [&] { return (std::max)(p.batch(), chunk_columns(c.ranges, cell.gate_rows, layer.weight_ih)); };
  c.gates.resize(cell.gate_rows, c.keep ? columns : (std::min)(columns, at_once()));
  cell.prepare(columns, c.keep, same_weights);
  Index saved = 0;
  for (Index k = 0; c.keep && k + 1 < segments.count; ++k) saved += p.batch_size(segments.at(p, k).begin);
  for (std::size_t s = 0; s < S; ++s) {
    c.states[s].resize(cell.state_rows[s], p.batch() + columns);
    c.saved[s].resize(cell.state_rows[s], saved);
  }
  c.saved_columns = 0;
}
}  // namespace detail

template <class T, int S>
void prepare_pass(const RecurrentParts<T, S>& layer, const Context& context, const PackedSequence<T>& x,
                  const Segments& segments, RecurrentBuffers<T, S>& c) {
  detail::share_sequences(layer, x.packing, c);
  detail::draw_masks(layer, context, x.packing, c);
  const PackedFor now{layer.cell.gate_rows, layer.cell.inputs, layer.cell.state_rows[0], c.input.groups(), c.keep,
                      simd_level()};
  // What a pass with dropped weights packs is neither of the weights before nor for those after it.
  const bool dropped = context.training && layer.options.weight_dropout > 0;
  const bool same = std::exchange(c.packed_for, PackedFor()) == now && context.same_weights && !dropped;
  c.input.prepare(context, layer.weight_ih, layer.bias_ih, x, c.input_scratch[0], same);
  detail::reserve_segments(layer, x.packing, segments, c, same);
  if (!dropped) c.packed_for = now;
}

}  // namespace unroll::inline UNROLL_ABI
