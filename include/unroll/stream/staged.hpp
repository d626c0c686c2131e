// A recurrent layer of fixed size whose cell is in stages, one sample after the other.
#pragma once

#include <array>
#include <cstddef>
#include <utility>

#include <unroll/cell/staged_cell.hpp>
#include <unroll/stream/kernel/stages.hpp>
#include <unroll/stream/recurrent.hpp>

namespace unroll::inline UNROLL_ABI {
namespace detail {

/// Weights are kept as they are. H units, R outputs.
template <class E, Index D, Index H, Index R, class Functions> class StagedStream {
  static_assert(D > 0 && H > 0 && R > 0, "unroll::stream::Recurrent: sizes are at least 1");
  using Shape = FixedShape<D, H, R>;
  using Plan = StagedStreamPlan<E>;
  using Steps = StagedStreamSteps<E, Functions, Shape>;
  static constexpr ColumnLayout<E::GX> input_layout{H, D, Shape::block};
  static constexpr Index padded = input_layout.padded();
  static constexpr DenseLayout projection{H, R, block_for(R)};
  template <std::size_t G>
  static constexpr ColumnLayout<Plan::group(static_cast<int>(G)).gates> layout{H, R, Shape::block};
  using Groups = std::make_index_sequence<Plan::groups>;

 public:
  using Scalar = typename E::Scalar;
  using T = Scalar;
  using Input = T;
  static constexpr int S = E::S;
  static constexpr Index inputs = D;
  template <Index> static constexpr Index outputs = R;
  using Data = stream::RecurrentData<T, static_cast<std::size_t>(S)>;
  using State = StreamState<T, S, H, R>;

  constexpr StagedStream() = default;
  constexpr explicit StagedStream(const Data& data) { set(data); }

  constexpr void set(const Data& data) {
    require_sizes(data, {E::GX, E::GU, E::P, E::projects}, D, H, R);
    pack_gates(input_layout, data.weight_ih, E::GX, 0, input_.data());
    pack_products(data, Groups());
    pack_units(data.bias_ih, {}, E::GX, H, padded, bias_.data());
    pack_units(data.bias_hh, {}, E::GU, H, padded, recurrent_bias_.data());
    pack_units(data.unit, {}, E::P, H, padded, unit_.data());
    for (std::size_t s = 0; s < std::size_t(S); ++s)
      pack_units(data.initial[s], {}, 1, s == 0 ? R : H, padded, initial_.fields[s].data());
  }
  /// From a trained unroll::Recurrent of the same equations.
  template <class Layer> void assign(const Layer& layer) { assign_recurrent<E>(*this, layer, D, H, R); }

  constexpr State initial_state() const { return initial_; }

  template <class Isa, Index> UNROLL_INLINE void run(State& state, const T* x, Index x_stride, T* y, Index n) const {
    std::array<T*, static_cast<std::size_t>(S)> fields{};
    for (std::size_t s = 0; s < std::size_t(S); ++s) fields[s] = state.fields[s].data();
    alignas(64) T projected[E::GX * padded * stream_chunk], between[Plan::room(padded, stride_for(R))];
    Steps::template run<Isa>(
        Shape{},
        {input_.data(), bias_.data(), recurrent_bias_.data(), unit_.data(), no_bias_.data(), products(Groups())},
        fields, x, x_stride, y, n, projected, between);
  }

 private:
  template <std::size_t... G> constexpr void pack_products(const Data& data, std::index_sequence<G...>) {
    (pack_group<G>(data), ...);
  }
  template <std::size_t G> constexpr void pack_group(const Data& data) {
    constexpr ProductGroup group = Plan::group(static_cast<int>(G));
    T* to = recurrent_.data() + begin(G);
    if constexpr (group.projects)
      pack_dense(projection, data.projection, to);
    else
      pack_gates(layout<G>, data.weight_hh, E::GU, group.first, to);
  }
  template <std::size_t... G> UNROLL_INLINE auto products(std::index_sequence<G...>) const {
    return std::array<const T*, Plan::groups>{recurrent_.data() + begin(G)...};
  }
  /// Where the weights of a group are: those of each gate take the same room, and W_r is last.
  static constexpr Index begin(std::size_t g) {
    const ProductGroup group = Plan::group(static_cast<int>(g));
    return (group.projects ? E::GU : group.first) * padded * R;
  }

  alignas(64) StreamArray<T, input_layout.size()> input_{};
  alignas(64) StreamArray<T, E::GU * padded * R + (E::projects ? projection.size() : 0)> recurrent_{};
  alignas(64) StreamArray<T, E::GX * padded> bias_{};
  alignas(64) StreamArray<T, E::GU * padded> recurrent_bias_{};
  alignas(64) StreamArray<T, E::P * padded> unit_{};
  alignas(64) StreamArray<T, E::projects ? stride_for(R) : 0> no_bias_{};
  State initial_{};
};

}  // namespace detail
namespace stream {

/// `Recurrent<GruResetBefore<>, D, H>`, as of a pointwise cell; weights are kept as they are.
template <class E, Index D, Index H, class Functions> requires detail::InStages<E>
class Recurrent<E, D, H, Functions, typename E::Scalar> : public detail::StagedStream<E, D, H, H, Functions> {
  static_assert(!E::projects,
                "unroll::stream::Recurrent: this cell projects its units, its stream says how many outputs they give: "
                "ProjectedRecurrent<ProjectedLstm<>, D, H, R>.");
  using Base = detail::StagedStream<E, D, H, H, Functions>;

 public:
  using Base::Base;
};

/// `ProjectedRecurrent<ProjectedLstm<>, D, H, R>`: H units, R outputs.
template <class E, Index D, Index H, Index R, class Functions = Accurate>
class ProjectedRecurrent : public detail::StagedStream<E, D, H, R, Functions> {
  static_assert(E::projects, "unroll::stream::ProjectedRecurrent: this cell projects nothing: Recurrent.");
  using Base = detail::StagedStream<E, D, H, R, Functions>;

 public:
  using Base::Base;
};

}  // namespace stream
}  // namespace unroll::inline UNROLL_ABI
