// A recurrent layer of fixed size whose cell is in stages, one sample after the other.
#pragma once

#include <array>
#include <cstddef>
#include <utility>

#include <unroll/cell/staged_cell.hpp>
#include <unroll/stream/kernel/stages.hpp>
#include <unroll/stream/recurrent.hpp>

namespace unroll::inline UNROLL_ABI {
namespace stream {

/// `Recurrent<GruResetBefore<>, D, H>`, as of a pointwise cell; weights are kept as they are.
template <class E, Index D, Index H, class Functions> requires detail::InStages<E>
class Recurrent<E, D, H, Functions, typename E::Scalar> {
  static_assert(D > 0 && H > 0, "unroll::stream::Recurrent: sizes are at least 1");
  using Shape = detail::FixedShape<D, H>;
  using Plan = detail::StagedStreamPlan<E>;
  using Steps = detail::StagedStreamSteps<E, Functions, Shape>;
  static constexpr detail::ColumnLayout<E::GX> input_layout{H, D, Shape::block};
  static constexpr Index padded = input_layout.padded();
  template <std::size_t G>
  static constexpr detail::ColumnLayout<Plan::group(static_cast<int>(G)).gates> layout{H, H, Shape::block};
  using Groups = std::make_index_sequence<Plan::groups>;

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
    detail::require_sizes(data, {E::GX, E::GU, E::P}, D, H);
    detail::pack_gates(input_layout, data.weight_ih, E::GX, 0, input_.data());
    pack_products(data.weight_hh, Groups());
    detail::pack_units(data.bias_ih, {}, E::GX, H, padded, bias_.data());
    detail::pack_units(data.bias_hh, {}, E::GU, H, padded, recurrent_bias_.data());
    detail::pack_units(data.unit, {}, E::P, H, padded, unit_.data());
    for (std::size_t s = 0; s < std::size_t(S); ++s)
      detail::pack_units(data.initial[s], {}, 1, H, padded, initial_.fields[s].data());
  }
  /// From a trained unroll::Recurrent of the same equations.
  template <class Layer> void assign(const Layer& layer) { detail::assign_recurrent<E>(*this, layer, D, H); }

  constexpr State initial_state() const { return initial_; }

  template <class Isa, Index> UNROLL_INLINE void run(State& state, const T* x, Index x_stride, T* y, Index n) const {
    std::array<T*, static_cast<std::size_t>(S)> fields{};
    for (std::size_t s = 0; s < std::size_t(S); ++s) fields[s] = state.fields[s].data();
    alignas(64) T projected[E::GX * padded * detail::stream_chunk], between[Plan::rows * padded];
    Steps::template run<Isa>(Shape{},
                             {input_.data(), bias_.data(), recurrent_bias_.data(), unit_.data(), products(Groups())},
                             fields, x, x_stride, y, n, projected, between);
  }

 private:
  template <std::size_t... G> constexpr void pack_products(std::span<const T> from, std::index_sequence<G...>) {
    (detail::pack_gates(layout<G>, from, E::GU, Plan::group(static_cast<int>(G)).first, recurrent_.data() + begin(G)),
     ...);
  }
  template <std::size_t... G> UNROLL_INLINE auto products(std::index_sequence<G...>) const {
    return std::array<const T*, Plan::groups>{recurrent_.data() + begin(G)...};
  }
  /// Where the weights of a group are: those of each gate take the same room.
  static constexpr Index begin(std::size_t group) {
    return Plan::group(static_cast<int>(group)).first * input_layout.padded() * H;
  }

  alignas(64) detail::StreamArray<T, input_layout.size()> input_{};
  alignas(64) detail::StreamArray<T, E::GU * padded * H> recurrent_{};
  alignas(64) detail::StreamArray<T, E::GX * padded> bias_{};
  alignas(64) detail::StreamArray<T, E::GU * padded> recurrent_bias_{};
  alignas(64) detail::StreamArray<T, E::P * padded> unit_{};
  State initial_{};
};

}  // namespace stream
}  // namespace unroll::inline UNROLL_ABI
