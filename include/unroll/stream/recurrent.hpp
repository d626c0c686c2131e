// A recurrent layer of fixed size, one sample after the other.
#pragma once

#include <array>
#include <string_view>

#include <unroll/cell/pointwise_cell.hpp>
#include <unroll/kernel/stream_step.hpp>
#include <unroll/stream/layer.hpp>

namespace unroll::inline UNROLL_ABI {
namespace stream {

/// Weights in the library's layout and order of gates, column by column: W (GX H, D), U (GU H, H), b (GX H), b_h (GU
/// H), parameters per unit (H, P), states to start from (H). Biases and states may be absent.
template <class T, std::size_t S = 1> struct RecurrentData {
  std::span<const T> weight_ih, weight_hh, bias_ih{}, bias_hh{}, unit{};
  std::array<std::span<const T>, S> initial{};
};

/// `Recurrent<Lstm<>, 1, 20>`: D inputs, H units of a pointwise cell, whose equations are the ones that it was trained
/// with. `Functions` says how tanh and sigmoid are computed: Accurate or Fast.
template <PointwiseCell E, Index D, Index H, class Functions = Accurate> class Recurrent {
  using Shape = detail::FixedShape<D, H>;
  using Steps = detail::StreamSteps<E, Functions, Shape>;
  static constexpr detail::ColumnLayout<E::GX> input_layout{H, D, Shape::block};
  static constexpr detail::ColumnLayout<E::GU> recurrent_layout{H, H, Shape::block};
  static constexpr Index padded = input_layout.padded();
  static_assert(D > 0 && H > 0, "unroll::stream::Recurrent: sizes are at least 1");

 public:
  using Scalar = typename E::Scalar;
  using T = Scalar;
  using Input = T;
  static constexpr int S = E::S;
  static constexpr Index inputs = D;
  template <Index> static constexpr Index outputs = H;
  using Data = RecurrentData<T, static_cast<std::size_t>(S)>;

  /// State fields, field 0 being h.
  struct State {
    alignas(64) std::array<std::array<T, static_cast<std::size_t>(padded)>, static_cast<std::size_t>(S)> fields{};
    bool backwards = false;  ///< the order in which the next step sweeps over large weights; its result is the same
    std::span<const T> h() const { return {fields[0].data(), static_cast<std::size_t>(H)}; }
  };

  constexpr Recurrent() = default;
  constexpr explicit Recurrent(const Data& data) { set(data); }

  constexpr void set(const Data& data) {
    detail::require_size("Recurrent", "weight_ih", data.weight_ih, E::GX * H * D);
    detail::require_size("Recurrent", "weight_hh", data.weight_hh, E::GU * H * H);
    if (!data.bias_ih.empty()) detail::require_size("Recurrent", "bias_ih", data.bias_ih, E::GX * H);
    if (!data.bias_hh.empty()) detail::require_size("Recurrent", "bias_hh", data.bias_hh, E::GU * H);
    detail::require_size("Recurrent", "weight_unit", data.unit, E::P * H);
    pack<E::GX>(input_layout, data.weight_ih, input_);
    pack<E::GU>(recurrent_layout, data.weight_hh, recurrent_);
    for (int g = 0; g < E::GX; ++g)
      for (Index k = 0; k < H; ++k) {
        T b = data.bias_ih.empty() ? T(0) : data.bias_ih[at(g, k)];
        if (E::same_ports && !data.bias_hh.empty()) b += data.bias_hh[at(g, k)];
        bias_[static_cast<std::size_t>(g * padded + k)] = b;
      }
    if constexpr (!E::same_ports)
      for (int g = 0; g < E::GU; ++g)
        for (Index k = 0; k < H; ++k)
          recurrent_bias_[static_cast<std::size_t>(g * padded + k)] =
              data.bias_hh.empty() ? T(0) : data.bias_hh[at(g, k)];
    for (int p = 0; p < E::P; ++p)
      for (Index k = 0; k < H; ++k) unit_[static_cast<std::size_t>(p * padded + k)] = data.unit[at(p, k)];
    for (std::size_t s = 0; s < std::size_t(S); ++s) {
      if (!data.initial[s].empty()) detail::require_size("Recurrent", "initial state", data.initial[s], H);
      for (Index k = 0; k < H; ++k)
        initial_.fields[s][static_cast<std::size_t>(k)] = data.initial[s].empty() ? T(0) : data.initial[s][at(0, k)];
    }
  }

  /// From a trained unroll::Recurrent of the same equations.
  template <class Layer> void assign(const Layer& layer) {
    static_assert(
        requires {
          layer.cell;
          layer.weight_ih;
          layer.options;
        }, "unroll::stream::Recurrent: the trained layer in its place is not recurrent.");
    static_assert(std::is_same_v<typename std::remove_cvref_t<decltype(layer.cell)>::Equations, E>,
                  "unroll::stream::Recurrent: the trained layer has another cell or another scalar type.");
    require(!layer.options.reverse,
            "stream::Recurrent: the trained layer runs from the end of a sequence, which a stream has not seen");
    require(layer.cell.inputs() == D && layer.cell.units() == H, "stream::Recurrent<", E::name,
            ">: the trained layer has ", layer.cell.inputs(), " inputs and ", layer.cell.units(), " units, expected ",
            D, " and ", H);
    Data data{detail::span_of(layer.weight_ih), detail::span_of(layer.cell.weight_hh),
              detail::span_of(layer.bias_ih),   detail::span_of(layer.cell.bias_hh),
              detail::span_of(layer.cell.unit), {}};
    for (std::size_t s = 0; s < std::size_t(S); ++s) data.initial[s] = detail::span_of(layer.initial[s]);
    set(data);
  }

  constexpr State initial_state() const { return initial_; }

  template <class Isa, Index> UNROLL_INLINE void run(State& state, const T* x, Index x_stride, T* y, Index n) const {
    std::array<T*, static_cast<std::size_t>(S)> fields{};
    for (std::size_t s = 0; s < std::size_t(S); ++s) fields[s] = state.fields[s].data();
    alignas(64) T projected[D == 1 ? 1 : E::GX * padded * detail::stream_chunk];
    Steps::template run<Isa>(Shape{},
                             {input_.data(), bias_.data(), recurrent_.data(), recurrent_bias_.data(), unit_.data()},
                             fields, state.backwards, x, x_stride, y, n, projected);
  }

 private:
  template <Index n> using Values = std::array<T, static_cast<std::size_t>(n)>;

  static constexpr std::size_t at(int block, Index k) { return static_cast<std::size_t>(block * H + k); }
  template <int G, class To>
  static constexpr void pack(const detail::ColumnLayout<G>& layout, std::span<const T> from, To& to) {
    for (Index k = 0; k < layout.depth; ++k)
      for (int g = 0; g < G; ++g)
        for (Index row = 0; row < H; ++row)
          to[static_cast<std::size_t>(layout.at(row, g, k))] = from[static_cast<std::size_t>((k * G + g) * H + row)];
  }

  alignas(64) Values<input_layout.size()> input_{};
  alignas(64) Values<recurrent_layout.size()> recurrent_{};
  alignas(64) Values<E::GX * padded> bias_{};
  alignas(64) Values<E::same_ports ? 0 : E::GU * padded> recurrent_bias_{};
  alignas(64) Values<E::P * padded> unit_{};
  State initial_{};
};

}  // namespace stream
}  // namespace unroll::inline UNROLL_ABI
