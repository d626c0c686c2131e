// Bodies of stream/any_model.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include <unroll/core/denormals.hpp>
#include <unroll/network/library_kinds.hpp>
#include <unroll/stream/any_model.hpp>
#include <unroll/stream/compiled_units.hpp>
#include <unroll/stream/dynamic_kinds.hpp>
#include <unroll/stream/graph_functions.hpp>
#if UNROLL_HEADER_ONLY
#include <unroll/stream/dynamic_kinds.ipp>
#endif

namespace unroll::inline UNROLL_ABI {
namespace detail {

/// f(state, at) for each layer that has a state, whose place in a snapshot begins at byte `at`.
template <class F> void for_each_state(const std::vector<LayerPointer>& layers, const F& f) {
  std::size_t at = 0;
  for (const auto& layer : layers)
    if (const auto state = layer->state(); !state.empty()) {
      f(state, at);
      at += state.size();
    }
}

}  // namespace detail
namespace stream {

UNROLL_FUNCTION AnyModel::AnyModel(const Network& network) : AnyModel(network, UsualUnits()) {}
UNROLL_FUNCTION AnyModel::AnyModel(const Network& network, MakeCompiled make_compiled)
    : AnyModel(network, make_compiled, &detail::stream_layer<LibraryKinds>) {}
UNROLL_FUNCTION AnyModel::AnyModel(const Network& network, MakeCompiled make_compiled, MakeLayer make_layer)
    : skip_(network.skip),
      input_gain_(static_cast<float>(network.input_gain)),
      output_gain_(static_cast<float>(network.output_gain)) {
  validate(network);
  inputs_ = network.inputs();
  outputs_ = network.outputs();
  std::size_t before = 0, first = 0;
  if (network.takes_tokens()) {
    tables_.push_back(network.layers.front().tensor("weight"));
    before = add_buffer(tables_.front().rows());
    first = 1;
  } else {
    before = add_buffer(inputs_);
  }
  if (auto compiled = make_compiled(network)) {
    is_compiled_ = true;
    add_layer(std::move(compiled), {before});
    return;
  }
  Index values = takes_tokens() ? tables_.front().rows() : inputs_;
  for (std::size_t k = first; k < network.layers.size(); ++k) {
    before = add_layer(make_layer(network.layers[k], values), {before});
    values = layers_.back()->outputs;
  }
}

UNROLL_FUNCTION AnyModel::AnyModel(const Graph& graph) : AnyModel(graph, &detail::stream_layer<LibraryKinds>) {}
UNROLL_FUNCTION AnyModel::AnyModel(const Graph& graph, MakeLayer make_layer) {
  validate(graph);
  inputs_ = graph.takes_tokens ? 1 : graph.inputs;
  outputs_ = graph.nodes.back().width;
  std::vector<std::size_t> buffers(graph.nodes.size());
  const auto is_table = [](const GraphNode& node) {
    return node.layer.kind != nullptr && is_kind<EmbeddingKind>(node.layer);
  };
  if (!graph.takes_tokens) add_buffer(inputs_);
  for (std::size_t k = 0; k < graph.nodes.size(); ++k)  // tables first: ids are looked up before the layers run
    if (is_table(graph.nodes[k])) {
      tables_.push_back(graph.nodes[k].layer.tensor("weight"));
      buffers[k] = add_buffer(graph.nodes[k].width);
    }
  require(graph.takes_tokens == takes_tokens(), "stream::AnyModel: token ids, and no embedding that reads them");
  for (std::size_t k = 0; k < graph.nodes.size(); ++k) {
    const GraphNode& node = graph.nodes[k];
    if (is_table(node)) continue;
    std::vector<std::size_t> reads;
    std::vector<Index> widths;
    for (const Index input : node.inputs) {
      reads.push_back(input < 0 ? 0 : buffers[static_cast<std::size_t>(input)]);
      widths.push_back(input < 0 ? inputs_ : graph.nodes[static_cast<std::size_t>(input)].width);
    }
    buffers[k] =
        add_layer(node.layer.kind != nullptr ? make_layer(node.layer, widths.front())
                                             : detail::graph_function(node.function, node.numbers, widths, node.width),
                  std::move(reads));
  }
  if (buffers.back() + 1 != buffers_.size())  // the last node is a table, which is not the last buffer
    add_layer(detail::graph_function("scale", std::vector<double>{1}, std::vector<Index>{outputs_}, outputs_),
              {buffers.back()});
}

UNROLL_FUNCTION std::size_t AnyModel::add_buffer(Index rows) {
  // Layers read whole vectors, also of the last column.
  buffers_.emplace_back(rows, chunk + (detail::widest_block + rows - 1) / rows).setZero();
  return buffers_.size() - 1;
}
UNROLL_FUNCTION std::size_t AnyModel::add_layer(detail::LayerPointer layer, std::vector<std::size_t> reads) {
  const std::size_t buffer = add_buffer(layer->y_stride);
  layers_.push_back(std::move(layer));
  reads_.push_back(std::move(reads));
  return buffer;
}

UNROLL_FUNCTION float AnyModel::step(float x) noexcept {
  if (inputs_ != 1 || outputs_ != 1 || takes_tokens()) return 0;
  float y = 0;
  run(&x, &y, 1);
  return y;
}

UNROLL_FUNCTION void AnyModel::process(std::span<const float> x, std::span<float> y) noexcept {
  if (takes_tokens()) return std::ranges::fill(y, 0.0F), void();
  const FlushDenormals flush;
  const Index n = (std::min)(static_cast<Index>(x.size()) / inputs_, static_cast<Index>(y.size()) / outputs_);
  run(x.data(), y.data(), n);
}

UNROLL_FUNCTION void AnyModel::process(std::span<const std::int32_t> ids, std::span<float> y) noexcept {
  if (!takes_tokens()) return std::ranges::fill(y, 0.0F), void();
  const FlushDenormals flush;
  const Index n = (std::min)(static_cast<Index>(ids.size()), static_cast<Index>(y.size()) / outputs_);
  for (Index t = 0; t < n; t += chunk) {
    const Index steps = (std::min)(chunk, n - t);
    for (std::size_t table = 0; table < tables_.size(); ++table)
      for (Index k = 0; k < steps; ++k)
        if (const std::int32_t id = ids[static_cast<std::size_t>(t + k)]; id >= 0 && id < tables_[table].cols())
          buffers_[table].col(k) = tables_[table].col(id);
        else
          buffers_[table].col(k).setZero();
    run_layers(steps, y.data() + t * outputs_);
  }
}

UNROLL_FUNCTION void AnyModel::reset() noexcept {
  for (auto& layer : layers_) layer->reset();
}

UNROLL_FUNCTION void AnyModel::prewarm(Index n) noexcept {
  if (takes_tokens()) return;
  const FlushDenormals flush;
  buffers_.front().setZero();
  for (; n > 0; n -= chunk) run_layers((std::min)(n, chunk), nullptr);
}

UNROLL_FUNCTION AnyModel::Snapshot AnyModel::snapshot() const {
  Snapshot to(snapshot_size());
  save(to);
  return to;
}

UNROLL_FUNCTION bool AnyModel::save(Snapshot& to) const noexcept {
  if (to.size() != snapshot_size()) return false;
  detail::for_each_state(layers_, [&](std::span<std::byte> state, std::size_t at) {
    std::memcpy(to.data() + at, state.data(), state.size());
  });
  return true;
}

UNROLL_FUNCTION bool AnyModel::restore(const Snapshot& from) noexcept {
  if (from.size() != snapshot_size()) return false;
  detail::for_each_state(layers_, [&](std::span<std::byte> state, std::size_t at) {
    std::memcpy(state.data(), from.data() + at, state.size());
  });
  return true;
}

UNROLL_FUNCTION std::size_t AnyModel::snapshot_size() const noexcept {
  std::size_t bytes = 0;
  for (const auto& layer : layers_) bytes += layer->state().size();
  return bytes;
}

UNROLL_FUNCTION void AnyModel::run(const float* x, float* y, Index n) noexcept {
  for (; n > 0; n -= chunk, x += chunk * inputs_, y += chunk * outputs_) {
    const Index steps = (std::min)(n, chunk);
    for (Index k = 0; k < steps * inputs_; ++k)
      buffers_.front().data()[k] =
          non_finite == NonFinite::replace && !detail::is_finite(x[k]) ? 0 : input_gain_ * x[k];
    run_layers(steps, y);
  }
}

UNROLL_FUNCTION void AnyModel::run_layers(Index n, float* y) noexcept {
  const std::size_t sources = buffers_.size() - layers_.size();
  for (std::size_t k = 0; k < layers_.size(); ++k) {
    const Matrix<float>&a = buffers_[reads_[k].front()], &b = buffers_[reads_[k].back()];
    layers_[k]->run_pair(a.data(), a.rows(), b.data(), b.rows(), buffers_[sources + k].data(), n);
  }
  if (y == nullptr) return;
  const Matrix<float>& last = buffers_.back();
  for (Index t = 0; t < n; ++t)
    for (Index k = 0; k < outputs_; ++k)
      y[t * outputs_ + k] = output_gain_ * (last(k, t) + (skip_ ? buffers_.front()(k, t) : 0));
}

}  // namespace stream
}  // namespace unroll::inline UNROLL_ABI
