// Bodies of stream/any_model.hpp.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include <unroll/core/denormals.hpp>
#include <unroll/network/library_kinds.hpp>
#include <unroll/stream/any_model.hpp>
#include <unroll/stream/compiled_units.hpp>
#include <unroll/stream/dynamic_kinds.hpp>

namespace unroll::inline UNROLL_ABI {
namespace stream {

UNROLL_FUNCTION AnyModel::AnyModel(const Network& network) : AnyModel(network, UsualUnits()) {}
UNROLL_FUNCTION AnyModel::AnyModel(const Network& network, MakeWhole make_whole)
    : AnyModel(network, make_whole, &detail::stream_layer<LibraryKinds>) {}
UNROLL_FUNCTION AnyModel::AnyModel(const Network& network, MakeWhole make_whole, detail::MakeLayer make_layer)
    : skip_(network.skip),
      input_gain_(static_cast<float>(network.input_gain)),
      output_gain_(static_cast<float>(network.output_gain)) {
  validate(network);
  inputs_ = network.inputs();
  outputs_ = network.outputs();
  if (network.takes_tokens()) table_ = network.layers.front().tensor("weight");
  if (auto whole = make_whole(network)) {
    is_compiled_ = true;
    layers_.push_back(std::move(whole));
  } else {
    Index values = takes_tokens() ? table_.rows() : inputs_;
    for (std::size_t k = takes_tokens() ? 1 : 0; k < network.layers.size(); ++k) {
      layers_.push_back(make_layer(network.layers[k], values));
      values = layers_.back()->outputs;
    }
  }
  input_.resize(takes_tokens() ? table_.rows() : inputs_, chunk);
  buffers_.resize(layers_.size());
  for (std::size_t k = 0; k < layers_.size(); ++k) {
    buffers_[k].resize(layers_[k]->y_stride, chunk);
    buffers_[k].setZero();
  }
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
    for (Index k = 0; k < steps; ++k)
      if (const std::int32_t id = ids[static_cast<std::size_t>(t + k)]; id >= 0 && id < table_.cols())
        input_.col(k) = table_.col(id);
      else
        input_.col(k).setZero();
    run_layers(steps, y.data() + t * outputs_);
  }
}

UNROLL_FUNCTION void AnyModel::reset() noexcept {
  for (auto& layer : layers_) layer->reset();
}

UNROLL_FUNCTION void AnyModel::prewarm(Index n) noexcept {
  if (takes_tokens()) return;
  const FlushDenormals flush;
  input_.setZero();
  for (; n > 0; n -= chunk) run_layers((std::min)(n, chunk), nullptr);
}

UNROLL_FUNCTION AnyModel::Snapshot AnyModel::snapshot() const {
  Snapshot to(snapshot_size());
  save(to);
  return to;
}

UNROLL_FUNCTION bool AnyModel::save(Snapshot& to) const noexcept {
  if (to.size() != snapshot_size()) return false;
  std::byte* at = to.data();
  for (const auto& layer : layers_)
    if (const auto state = layer->state(); !state.empty()) {
      std::memcpy(at, state.data(), state.size());
      at += state.size();
    }
  return true;
}

UNROLL_FUNCTION bool AnyModel::restore(const Snapshot& from) noexcept {
  if (from.size() != snapshot_size()) return false;
  const std::byte* at = from.data();
  for (auto& layer : layers_)
    if (const auto state = layer->state(); !state.empty()) {
      std::memcpy(state.data(), at, state.size());
      at += state.size();
    }
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
      input_.data()[k] = non_finite == NonFinite::replace && !detail::is_finite(x[k]) ? 0 : input_gain_ * x[k];
    run_layers(steps, y);
  }
}

UNROLL_FUNCTION void AnyModel::run_layers(Index n, float* y) noexcept {
  const float* x = input_.data();
  Index stride = input_.rows();
  for (std::size_t k = 0; k < layers_.size(); ++k) {
    layers_[k]->run(x, stride, buffers_[k].data(), n);
    x = buffers_[k].data();
    stride = layers_[k]->y_stride;
  }
  if (y == nullptr) return;
  for (Index t = 0; t < n; ++t)
    for (Index k = 0; k < outputs_; ++k)
      y[t * outputs_ + k] = output_gain_ * (x[t * stride + k] + (skip_ ? input_.data()[t * inputs_ + k] : 0));
}

}  // namespace stream
}  // namespace unroll::inline UNROLL_ABI
