// How a recurrent layer is run, and what it keeps while it runs. The equations are elsewhere: cell/ and recurrent.hpp.
#pragma once

#include <unroll/cell/pointwise.hpp>
#include <unroll/layer/layer.hpp>

namespace unroll::inline UNROLL_ABI {

/// Both dropouts are drawn once per sequence and reused at all its steps (Gal and Ghahramani 2016).
struct RecurrentOptions {
  double dropout = 0;            ///< rate, on the inputs x
  double recurrent_dropout = 0;  ///< rate, on h before the recurrent product; never on c, nor on the z * h of a GRU
  bool per_gate = false;         ///< masks of their own for each gate, as Keras draws; else one for all
  bool reverse = false;          ///< from the last step of each sequence to its first; outputs keep their time
  Bias bias = Bias::dual;        ///< b, or b and b_h; PyTorch has both
  bool learned_initial_state = false;  ///< the state to start from is a parameter, unless one is carried in
  /// k > 0: the cache keeps the states of every k-th step alone, and backward computes k steps at a time again: less
  /// memory, least about k = sqrt(T), for at most one forward pass more. Same bits. 0: nothing is computed twice.
  Index recompute_every = 0;
};

/// State of a recurrent layer: S fields (rows, B), field 0 being h, in the user's order.
template <class T, int S> struct RecurrentState {
  std::array<Matrix<T>, static_cast<std::size_t>(S)> fields;

  template <class F, class... Self> static void visit(F&& f, const Path& at, Self&... self) {
    for (std::size_t s = 0; s < std::size_t(S); ++s) f(at.leaf(names[s < 4 ? s : 3], Kind::state), self.fields[s]...);
  }
  static constexpr std::array<std::string_view, 4> names{"h", "c", "n", "m"};
};

namespace detail {
template <class C> struct CellFor {
  static_assert(PointwiseCell<C> || Cell<C>,
                "unroll::Recurrent: this is neither a PointwiseCell (GX, GU, S, C, name, forward and backward over a "
                "value type, without branches on values) nor a Cell (step, step_backward, accumulate).");
  using type = C;
};
template <PointwiseCell E> struct CellFor<E> {
  using type = Pointwise<E>;
};
template <class C> typename CellFor<C>::type make_cell(const C& cell, Bias bias) {
  if constexpr (PointwiseCell<C>)
    return Pointwise<C>(cell, bias);
  else
    return cell;
}

/// Sorted sequences cut into ranges of about equal numbers of steps, one per thread: boundaries[k] .. boundaries[k +
/// 1]. A small pass stays on one thread, and so does one direction of two that have a thread each.
inline void balance_columns(const Packing& packing, double work_per_step, std::vector<Index>& boundaries) {
  const double work = work_per_step * static_cast<double>(packing.total());
  const Index most = inside_parallel() ? 1 : threads();
  const Index pieces = std::clamp<Index>(std::min<Index>(most, static_cast<Index>(work / 2e6)), 1,
                                         std::max<Index>(packing.batch() / 2, 1));
  boundaries.reserve(static_cast<std::size_t>(threads()) + 1);
  boundaries.assign(1, 0);
  Index steps = 0;
  for (Index j = 0; j < packing.batch(); ++j) {
    const auto k = static_cast<Index>(boundaries.size());
    if (k < pieces && steps * pieces >= packing.total() * k) boundaries.push_back(j);
    steps += packing.length(j);
  }
  boundaries.push_back(packing.batch());
}
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
