// What the steps of a cell in stages read in a stream, and what is kept from stage to stage.
#pragma once

#include <array>
#include <cstddef>

#include <unroll/cell/stages/step.hpp>

namespace unroll::inline UNROLL_ABI {
namespace detail {

template <class E> struct StagedStreamPlan : StagedOperations<E> {
  using Base = StagedOperations<E>;
  using Base::plan, Base::group;
  using typename Base::S;
  static constexpr auto groups = static_cast<std::size_t>(plan.group_count);

  /// Whether the old value of a field is still wanted when its new one is made: then the new one waits for the end of
  /// the step.
  static constexpr bool waits(std::size_t field) {
    const std::size_t prev = S::prev_at + field;
    const int pass = plan.pass[S::traced.next[field]];
    for (std::size_t by = 0; by < S::N; ++by)
      for (const int of : S::operation(by).of)
        if (of >= 0 && static_cast<std::size_t>(of) == prev && plan.pass[by] >= pass &&
            (plan.pass[by] > pass || Base::is_product(by)))
          return true;
    return false;
  }
  static constexpr auto waiting = [] {
    std::array<bool, static_cast<std::size_t>(E::S)> fields{};
    for (std::size_t f = 0; f < fields.size(); ++f) fields[f] = waits(f);
    return fields;
  }();
  /// Values between the stages: slots of padded units, then states that wait, of which h may be the longer one.
  static constexpr Index room(Index padded, Index padded_outputs) {
    return plan.slot_count * padded + E::S * (padded > padded_outputs ? padded : padded_outputs);
  }
};

/// As its steps read them. Per unit and gate: [gate][padded unit].
template <class E, class T = typename E::Scalar> struct StagedStreamWeights {
  const T* input;                                              ///< W, packed as ColumnLayout<GX>
  const T* bias;                                               ///< b
  const T* recurrent_bias;                                     ///< b_h
  const T* unit;                                               ///< [parameter][padded unit]
  const T* no_bias;                                            ///< (R) zeros, where the cell projects
  std::array<const T*, StagedStreamPlan<E>::groups> products;  ///< of each group U, packed as ColumnLayout<its gates>,
                                                               ///< or W_r, as DenseLayout
};

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI
