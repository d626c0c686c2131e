// A recurrent layer of fixed size, one sample after the other.
#pragma once

#include <algorithm>
#include <array>

#include <unroll/cell/pointwise_cell.hpp>
#include <unroll/stream/kernel/step.hpp>
#include <unroll/stream/recurrent_data.hpp>

namespace unroll::inline UNROLL_ABI {
namespace detail {

/// State fields of H units each, padded with zeros; field 0 is h, of R.
template <class T, int S, Index H, Index R = H> struct StreamState {
  static constexpr Index padded = (std::max)(stride_for(H), stride_for(R));
  alignas(64) std::array<std::array<T, static_cast<std::size_t>(padded)>, static_cast<std::size_t>(S)> fields{};
  bool backwards = false;  ///< the order in which the next step sweeps over large weights; its result is the same
  std::span<const T> h() const { return {fields[0].data(), static_cast<std::size_t>(R)}; }
};
template <class T, Index n> using StreamArray = std::array<T, static_cast<std::size_t>(n)>;

template <class Layer> void require_recurrent(const Layer& layer, std::string_view cell, Index D, Index H, Index R) {
  require(!layer.options.reverse,
          "stream::Recurrent: the trained layer runs from the end of a sequence, which a stream has not seen");
  require(layer.cell.inputs() == D && layer.cell.units() == H, "stream::Recurrent<", cell, ">: the trained layer has ",
          layer.cell.inputs(), " inputs and ", layer.cell.units(), " units, expected ", D, " and ", H);
  require(layer.cell.state_rows(0) == R, "stream::ProjectedRecurrent<", cell, ">: the trained layer has ",
          layer.cell.state_rows(0), " outputs, expected ", R);
}

template <class Layer>
concept TrainedRecurrent = requires(const Layer& layer) {
  typename Layer::Cell;
  layer.weight_ih;
  layer.options;
};
/// The weights of a trained layer.
template <class Data, int S, class Layer> Data data_of_layer(const Layer& layer) {
  Data data{span_of(layer.weight_ih), span_of(layer.cell.weight_hh), span_of(layer.bias_ih),
            span_of(layer.cell.bias_hh), span_of(layer.cell.unit)};
  for (std::size_t s = 0; s < std::size_t(S); ++s) data.initial[s] = span_of(layer.initial[s]);
  if constexpr (requires { layer.cell.weight_hr; }) data.projection = span_of(layer.cell.weight_hr);
  return data;
}
template <class Cell, class E>
concept CellOf = std::same_as<typename Cell::Equations, E>;

/// `to`, a stream's layer of cell E, takes the weights of a trained unroll::Recurrent of the same equations.
template <class E, class Stream, class Layer>
void assign_recurrent(Stream& to, const Layer& layer, Index D, Index H, Index R) {
  constexpr bool is_recurrent = TrainedRecurrent<Layer>;
  static_assert(is_recurrent, "unroll::stream::Recurrent: the trained layer in its place is not recurrent.");
  if constexpr (is_recurrent) {
    constexpr bool same_cell = CellOf<typename Layer::Cell, E>;
    static_assert(same_cell, "unroll::stream::Recurrent: the trained layer has another cell or another scalar type.");
    if constexpr (same_cell) {
      require_recurrent(layer, E::name, D, H, R);
      to.set(data_of_layer<typename Stream::Data, Stream::S>(layer));
    }
  }
}

}  // namespace detail

namespace stream {

/// `Recurrent<Lstm<>, 1, 20>`: D inputs, H units of a pointwise cell, whose equations are the ones that it was trained
/// with. `Functions` says how tanh and sigmoid are computed: Accurate or Fast. `Stored` is how W and U are kept: as
/// they are, or `std::int16_t`, which halves what a step reads and rounds each weight to a 65534th of its row's
/// largest: worth it from about 100 units on.
template <class E, Index D, Index H, class Functions = Accurate, class Stored = typename E::Scalar> class Recurrent {
  static constexpr bool has_backward = !detail::LacksBackward<E>;
  static_assert(has_backward,
                "unroll::stream::Recurrent: this cell has a `forward` and no `backward`: it stands here as it was "
                "trained, in Derived: Derived<MyCell<>>.");
  static constexpr bool is_pointwise = PointwiseCell<E> || !has_backward;
  static_assert(
      is_pointwise,
      "unroll::stream::Recurrent: this is not a PointwiseCell, and of cells in stages the weights are kept as "
      "they are and <unroll/stream/staged.hpp> is missing. A bidirectional layer cannot stream: it reads its "
      "sequence from the end, too.");
  static_assert(D > 0 && H > 0, "unroll::stream::Recurrent: sizes are at least 1");
  using Shape = detail::FixedShape<D, H>;
  static_assert(std::is_same_v<Stored, typename E::Scalar> || std::is_same_v<Stored, std::int16_t>,
                "unroll::stream::Recurrent: weights are kept in the cell's scalar type or in std::int16_t");
  static constexpr bool is_scaled = !std::is_same_v<Stored, typename E::Scalar>;
  using StoredInput = std::conditional_t<D == 1, typename E::Scalar, Stored>;
  using Steps = detail::StreamSteps<E, Functions, Shape, StoredInput, Stored>;
  static constexpr detail::ColumnLayout<E::GX> input_layout{H, D, Shape::block};
  static constexpr detail::ColumnLayout<E::GU> recurrent_layout{H, H, Shape::block};
  static constexpr Index padded = input_layout.padded();

 public:
  using Scalar = typename E::Scalar;
  using T = Scalar;
  using Input = T;
  static constexpr int S = E::S;
  static constexpr Index inputs = D;
  template <Index> static constexpr Index outputs = H;
  using Data = RecurrentData<T, static_cast<std::size_t>(S)>;
  using State = detail::StreamState<T, S, H>;

  constexpr Recurrent() = default;
  constexpr explicit Recurrent(const Data& data) { set(data); }

  constexpr void set(const Data& data) {
    detail::require_sizes(data, {E::GX, E::GU, E::P}, D, H, H);
    if constexpr (input_is_scaled)
      detail::pack_gates(input_layout, data.weight_ih, E::GX, 0, input_.data(), input_scale_.data());
    else
      detail::pack_gates(input_layout, data.weight_ih, E::GX, 0, input_.data());
    if constexpr (is_scaled)
      detail::pack_gates(recurrent_layout, data.weight_hh, E::GU, 0, recurrent_.data(), recurrent_scale_.data());
    else
      detail::pack_gates(recurrent_layout, data.weight_hh, E::GU, 0, recurrent_.data());
    // Where the equations see only the sum of the two parts of a gate, b_h goes in with b.
    constexpr bool sums = E::same_ports;
    detail::pack_units(data.bias_ih, sums ? data.bias_hh : std::span<const T>{}, E::GX, H, padded, bias_.data());
    if constexpr (!sums) detail::pack_units(data.bias_hh, {}, E::GU, H, padded, recurrent_bias_.data());
    detail::pack_units(data.unit, {}, E::P, H, padded, unit_.data());
    for (std::size_t s = 0; s < std::size_t(S); ++s)
      detail::pack_units(data.initial[s], {}, 1, H, padded, initial_.fields[s].data());
  }

  /// From a trained unroll::Recurrent of the same equations.
  template <class Layer> void assign(const Layer& layer) { detail::assign_recurrent<E>(*this, layer, D, H, H); }

  constexpr State initial_state() const { return initial_; }

  template <class Isa, Index> UNROLL_INLINE void run(State& state, const T* x, Index x_stride, T* y, Index n) const {
    std::array<T*, static_cast<std::size_t>(S)> fields{};
    for (std::size_t s = 0; s < std::size_t(S); ++s) fields[s] = state.fields[s].data();
    alignas(64) T projected[D == 1 ? 1 : E::GX * padded * detail::stream_chunk];
    Steps::template run<Isa>(Shape{},
                             {input_.data(), bias_.data(), recurrent_.data(), recurrent_bias_.data(), unit_.data(),
                              input_scale_.data(), recurrent_scale_.data()},
                             fields, state.backwards, x, x_stride, y, n, projected);
  }

 private:
  alignas(64) detail::StreamArray<StoredInput, input_layout.size()> input_{};
  alignas(64) detail::StreamArray<Stored, recurrent_layout.size()> recurrent_{};
  static constexpr bool input_is_scaled = !std::is_same_v<StoredInput, Scalar>;
  alignas(64) detail::StreamArray<T, input_is_scaled ? E::GX * padded : 0> input_scale_{};
  alignas(64) detail::StreamArray<T, is_scaled ? E::GU * padded : 0> recurrent_scale_{};
  alignas(64) detail::StreamArray<T, E::GX * padded> bias_{};
  alignas(64) detail::StreamArray<T, E::same_ports ? 0 : E::GU * padded> recurrent_bias_{};
  alignas(64) detail::StreamArray<T, E::P * padded> unit_{};
  State initial_{};
};

}  // namespace stream
}  // namespace unroll::inline UNROLL_ABI
