// A layer of a stream behind one interface, whatever it computes.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include <unroll/core/config.hpp>

namespace unroll::inline UNROLL_ABI {
namespace detail {

/// A layer with its weights and its state. Columns of its output are y_stride apart and may be written to their end.
class DynamicLayer {
 public:
  const Index inputs, outputs, y_stride;

  DynamicLayer(Index in, Index out, Index stride) : inputs(in), outputs(out), y_stride(stride) {}
  DynamicLayer(const DynamicLayer&) = delete;
  DynamicLayer& operator=(const DynamicLayer&) = delete;
  virtual ~DynamicLayer() = default;

  virtual void run(const float* x, Index x_stride, float* y, Index n) noexcept = 0;
  /// Of a function of two values.
  virtual void run_pair(const float* a, Index a_stride, const float*, Index, float* y, Index n) noexcept {
    run(a, a_stride, y, n);
  }
  virtual void reset() noexcept {}
  virtual std::span<std::byte> state() noexcept { return {}; }
};

using LayerPointer = std::unique_ptr<DynamicLayer>;

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI
