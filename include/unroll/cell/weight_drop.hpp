// Weights of a cell's recurrence left out at random, the same ones at all steps of a pass.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <unroll/core/context.hpp>
#include <unroll/core/model_ref.hpp>
#include <unroll/core/parallel.hpp>
#include <unroll/core/parameters.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
/// Parameters that are multiplied with h: those that each cell of the library calls so, and cells of one's own may.
inline bool is_recurrent_weight(const Path& path) { return path.name == "weight_hh"; }

/// One of them, by its path in the cell, and what it is multiplied with: 0 or 1 / (1 - rate).
template <class T> struct DroppedWeight {
  std::uint64_t path;
  Matrix<T> mask;
};
UNROLL_API std::uint64_t hash_of(const Path& path);

/// Throws for a cell without such weights.
template <class T> UNROLL_API void require_recurrent_weight(std::string_view who, ErasedModel<T> cell);
/// Draws the masks of a pass, the same for all parts of a batch, and multiplies the cell's weights with them.
template <class T>
UNROLL_API void drop_weights(const Context& context, double rate, ErasedModel<T> cell,
                             std::vector<DroppedWeight<T>>& dropped);
/// to += m * d, or += d where nothing was dropped.
template <class T>
UNROLL_API void add_undropped(const Path& path, const std::vector<DroppedWeight<T>>& dropped, const Matrix<T>& d,
                              Matrix<T>& to);

template <class T> void require_recurrent_weight(std::string_view who, ErasedModel<T> cell) {
  bool found = false;
  visit([&found](const Path& path, const auto& p) { found = found || (is_recurrent_weight(path) && p.size() > 0); },
        cell);
  require(found, who, ": weight_dropout needs a cell with a parameter weight_hh");
}
template <class T>
void drop_weights(const Context& context, double rate, ErasedModel<T> cell, std::vector<DroppedWeight<T>>& dropped) {
  constexpr std::size_t first_number = 200;  // input and recurrent dropout have those before
  Context whole = context;
  whole.first_row = 0;
  std::size_t k = 0;
  const auto drop = [&](const Path& path, auto& weight) {
    if (!is_recurrent_weight(path)) return;
    if (dropped.size() == k) dropped.emplace_back();
    const DropoutMask of(whole, first_number + k, rate);
    dropped[k].path = hash_of(path);
    Matrix<T>& mask = dropped[k++].mask;
    mask.resize(weight.rows(), weight.cols());
    parallel_ranges(mask.cols(), 16, [&](Index begin, Index end) {
      for (Index j = begin; j < end; ++j) of.draw(0, j, mask.rows(), mask.col(j).data());
    });
    weight.array() *= mask.array();
  };
  visit(drop, cell);
}
template <class T>
void add_undropped(const Path& path, const std::vector<DroppedWeight<T>>& dropped, const Matrix<T>& d, Matrix<T>& to) {
  for (const DroppedWeight<T>& weight : dropped)
    if (is_recurrent_weight(path) && weight.path == hash_of(path)) {
      to.array() += weight.mask.array() * d.array();
      return;
    }
  to += d;
}
}  // namespace detail

/// Weight drop (Merity, McCann and Socher 2017; DropConnect, Wan et al. 2013) of a layer's cell: a pass runs with
/// m * U in the place of U, so dU = m * the gradient of that product. Belongs to a cache.
template <class Cell> struct WeightDrop {
  std::vector<detail::DroppedWeight<typename Cell::Scalar>> dropped;  ///< of the last pass that dropped any
  bool active = false;                                                ///< in the pass that was begun last
  std::vector<Cell> cell;  ///< one, which stays in its place when a cache moves: cells of parts know where these are
  std::optional<Cell> gradient;

  /// The cell that both passes run with.
  const Cell& of(const Cell& whole) const { return active ? cell[0] : whole; }
};

namespace detail {
/// Before a forward pass.
template <class Cell>
UNROLL_API void begin_pass(WeightDrop<Cell>& drop, const Context& context, double rate, const Cell& whole);
/// Where the backward pass adds what its cell has for a gradient, and what becomes of that.
template <class Cell> UNROLL_API Cell& begin_backward(WeightDrop<Cell>& drop, Cell& gradient);
template <class Cell> UNROLL_API void end_backward(WeightDrop<Cell>& drop, Cell& gradient);

template <class Cell> void begin_pass(WeightDrop<Cell>& drop, const Context& context, double rate, const Cell& whole) {
  drop.active = context.training && rate > 0;
  if (!drop.active) return;
  if (drop.cell.empty())
    drop.cell.push_back(whole);
  else
    drop.cell[0] = whole;
  drop_weights(context, rate, ErasedModel<typename Cell::Scalar>(drop.cell[0]), drop.dropped);
}
template <class Cell> Cell& begin_backward(WeightDrop<Cell>& drop, Cell& gradient) {
  if (!drop.active) return gradient;
  drop.gradient = gradient;
  set_zero(*drop.gradient);
  return *drop.gradient;
}
template <class Cell> void end_backward(WeightDrop<Cell>& drop, Cell& gradient) {
  if (!drop.active) return;
  const auto add = [&](const Path& path, auto& to, const auto& d) { add_undropped(path, drop.dropped, d, to); };
  visit(add, gradient, std::as_const(*drop.gradient));
}
}  // namespace detail

#define UNROLL_WEIGHT_DROP_INSTANCES(DECLARE, T)                                                                  \
  DECLARE void detail::require_recurrent_weight(std::string_view, detail::ErasedModel<T>);                        \
  DECLARE void detail::drop_weights(const Context&, double, detail::ErasedModel<T>,                               \
                                    std::vector<detail::DroppedWeight<T>>&);                                      \
  DECLARE void detail::add_undropped(const Path&, const std::vector<detail::DroppedWeight<T>>&, const Matrix<T>&, \
                                     Matrix<T>&);
#if !UNROLL_HEADER_ONLY
UNROLL_WEIGHT_DROP_INSTANCES(extern template, float)
UNROLL_WEIGHT_DROP_INSTANCES(extern template, double)
#endif

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/cell/weight_drop.ipp>
#endif
