// An affine map of every sample, of fixed size.
#pragma once

#include <array>

#include <unroll/stream/kernel/dense.hpp>
#include <unroll/stream/layer.hpp>

namespace unroll::inline UNROLL_ABI {
namespace stream {

/// y = W x + b: D values in, O out.
template <Index D, Index O, class T = float> class Dense {
  using Shape = detail::FixedShape<D, O>;
  static constexpr detail::DenseLayout layout{D, O, Shape::block};
  static_assert(D > 0 && O > 0, "unroll::stream::Dense: sizes are at least 1");

 public:
  using Scalar = T;
  using Input = T;
  using State = Empty;
  static constexpr Index inputs = D;
  template <Index> static constexpr Index outputs = O;

  constexpr Dense() = default;
  /// W (O, D) column by column; b (O) or absent.
  constexpr explicit Dense(std::span<const T> weight, std::span<const T> bias = {}) { set(weight, bias); }
  constexpr void set(std::span<const T> weight, std::span<const T> bias = {}) {
    detail::require_size("Dense", "weight", weight, O * D);
    if (!bias.empty()) detail::require_size("Dense", "bias", bias, O);
    detail::pack_dense(layout, weight, weight_.data());
    for (std::size_t o = 0; o < std::size_t(O); ++o) bias_[o] = bias.empty() ? T(0) : bias[o];
  }
  /// From a trained unroll::Dense.
  template <class Layer> void assign(const Layer& layer) {
    constexpr bool is_dense = requires {
      layer.weight;
      layer.bias;
    };
    static_assert(is_dense, "unroll::stream::Dense: the trained layer in its place is not Dense.");
    if constexpr (is_dense) {
      require(layer.weight.rows() == O && layer.weight.cols() == D, "stream::Dense: the trained layer maps ",
              layer.weight.cols(), " -> ", layer.weight.rows(), ", expected ", D, " -> ", O);
      set(detail::span_of(layer.weight), detail::span_of(layer.bias));
    }
  }

  constexpr State initial_state() const { return {}; }
  template <class Isa, Index> UNROLL_INLINE void run(State&, const T* x, Index x_stride, T* y, Index n) const {
    detail::StreamDense<T, Shape>::template run<Isa>(Shape{}, weight_.data(), bias_.data(), x, x_stride, y,
                                                     detail::stride_for(O), n);
  }

 private:
  alignas(64) std::array<T, static_cast<std::size_t>(layout.size())> weight_{};
  alignas(64) std::array<T, static_cast<std::size_t>(detail::stride_for(O))> bias_{};
};

}  // namespace stream
}  // namespace unroll::inline UNROLL_ABI
