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
  visit([&found](const Path& path, const auto&) { found = found || is_recurrent_weight(path); }, cell);
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
template <class Cell> class WeightDrop {
  using T = typename Cell::Scalar;

 public:
  std::vector<detail::DroppedWeight<T>> dropped;  ///< of the last pass that dropped any

  /// Before a forward pass.
  void begin(const Context& context, double rate, const Cell& of) {
    active_ = context.training && rate > 0;
    if (!active_) return;
    if (cell_.empty())
      cell_.push_back(of);
    else
      cell_[0] = of;
    detail::drop_weights(context, rate, detail::ErasedModel<T>(cell_[0]), dropped);
  }
  /// The cell that both passes run with.
  const Cell& cell(const Cell& whole) const { return active_ ? cell_[0] : whole; }
  /// Where the backward pass adds what its cell has for a gradient, and what becomes of that.
  Cell& begin_backward(Cell& gradient) {
    if (!active_) return gradient;
    gradient_ = gradient;
    set_zero(*gradient_);
    return *gradient_;
  }
  void end_backward(Cell& gradient) {
    if (!active_) return;
    visit([&](const Path& path, auto& to, const auto& d) { detail::add_undropped<T>(path, dropped, d, to); }, gradient,
          std::as_const(*gradient_));
  }

 private:
  bool active_ = false;
  std::vector<Cell> cell_;  ///< one, which stays in its place when a cache moves: cells of parts know where these are
  std::optional<Cell> gradient_;
};

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
#include <unroll/layer/recurrent/weight_drop.ipp>
#endif
