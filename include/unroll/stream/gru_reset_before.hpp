// The GRU with the reset before the product, of fixed size, one sample after the other.
#pragma once

#include <unroll/cell/gru_reset_before.hpp>
#include <unroll/stream/kernel/reset_before.hpp>
#include <unroll/stream/recurrent.hpp>

namespace unroll::inline UNROLL_ABI {
namespace stream {

/// `Recurrent<GruResetBefore<>, D, H>`: two products a step, so not a pointwise cell.
template <class Real, Index D, Index H, class Functions> class Recurrent<GruResetBefore<Real>, D, H, Functions> {
  using Shape = detail::FixedShape<D, H>;
  static constexpr detail::ColumnLayout<3> input_layout{H, D, Shape::block};
  static constexpr detail::ColumnLayout<2> gates_layout{H, H, Shape::block};
  static constexpr detail::ColumnLayout<1> candidate_layout{H, H, Shape::block};
  static constexpr Index padded = input_layout.padded();

 public:
  using Scalar = Real;
  using T = Scalar;
  using Input = T;
  static constexpr int S = 1;
  static constexpr Index inputs = D;
  template <Index> static constexpr Index outputs = H;
  using Data = RecurrentData<T, 1>;
  using State = detail::StreamState<T, 1, H>;

  constexpr Recurrent() = default;
  constexpr explicit Recurrent(const Data& data) { set(data); }
  constexpr void set(const Data& data) {
    detail::require_sizes(data, {3, 3, 0}, D, H);
    detail::pack_gates(input_layout, data.weight_ih, 3, 0, input_.data());
    detail::pack_gates(gates_layout, data.weight_hh, 3, 0, gates_.data());
    detail::pack_gates(candidate_layout, data.weight_hh, 3, 2, candidate_.data());
    detail::pack_units(data.bias_ih, data.bias_hh, 3, H, padded, bias_.data());
    detail::pack_units(data.initial[0], {}, 1, H, padded, initial_.fields[0].data());
  }
  template <class Layer> void assign(const Layer& layer) {
    static_assert(std::is_same_v<std::remove_cvref_t<decltype(layer.cell)>, GruResetBefore<T>>,
                  "unroll::stream::Recurrent: the trained layer has another cell or another scalar type.");
    detail::require_recurrent(layer, "GruResetBefore", D, H);
    set({detail::span_of(layer.weight_ih),
         detail::span_of(layer.cell.weight_hh),
         detail::span_of(layer.bias_ih),
         detail::span_of(layer.cell.bias_hh),
         {},
         {detail::span_of(layer.initial[0])}});
  }

  constexpr State initial_state() const { return initial_; }
  template <class Isa, Index> UNROLL_INLINE void run(State& state, const T* x, Index x_stride, T* y, Index n) const {
    constexpr auto one = static_cast<std::size_t>(padded), chunk = static_cast<std::size_t>(detail::stream_chunk);
    alignas(64) T projected[3 * one * chunk], between[2 * one];
    detail::ResetBeforeSteps<T, Functions, Shape>::template run<Isa>(
        Shape{}, {input_.data(), bias_.data(), gates_.data(), candidate_.data()}, state.fields[0].data(), x, x_stride,
        y, n, projected, between);
  }

 private:
  alignas(64) detail::StreamArray<T, input_layout.size()> input_{};
  alignas(64) detail::StreamArray<T, gates_layout.size()> gates_{};
  alignas(64) detail::StreamArray<T, candidate_layout.size()> candidate_{};
  alignas(64) detail::StreamArray<T, 3 * padded> bias_{};
  State initial_{};
};

}  // namespace stream
}  // namespace unroll::inline UNROLL_ABI
