// Batches out of a data set, which may be a user's own: rows and what it makes of them are checked before a model sees
// them.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include <unroll/core/function_ref.hpp>
#include <unroll/core/packed_sequence.hpp>
#include <unroll/data/batches.hpp>
#include <unroll/data/contiguous_batches.hpp>
#include <unroll/data/targets.hpp>
#include <unroll/layer/layer.hpp>
#include <unroll/loss/loss.hpp>
#include <unroll/train/epoch_windows.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
template <class Targets> inline constexpr bool is_batch_targets = false;
template <class T> inline constexpr bool is_batch_targets<BatchTargets<T>> = true;
/// What a data set fills with the targets of a batch: BatchTargets, or what it names itself.
template <class D, class T> struct TargetsOf {
  using type = BatchTargets<T>;
};
template <class D, class T> requires requires { typename D::BatchTargets; }
struct TargetsOf<D, T> {
  using type = typename D::BatchTargets;
};

/// Of a batch that was made out of `rows` rows, and its targets.
UNROLL_API void check_filled(const Packing& packing, std::size_t rows);
UNROLL_API void check_targets(const Packing& packing, Index targets, std::size_t sample_weights);

template <class D> void fill_batch(const D& data, std::span<const Index> rows, typename D::Batch& x) {
  data.fill(rows, x);
  const auto check = [&](const auto& input) {
    if constexpr (requires { input.packing; }) check_filled(input.packing, rows.size());
  };
  with_inputs(x, [&](const auto&... input) { (check(input), ...); });
}
/// A batch and, where the loss does not take the batch itself as its targets, those.
template <bool own_targets, class D, class Targets>
void load_batch(const D& data, std::span<const Index> rows, typename D::Batch& x, Targets& targets) {
  fill_batch(data, rows, x);
  if constexpr (!own_targets) {
    static_cast<void>(targets);
  } else if constexpr (is_inputs<typename D::Batch> || !is_batch_targets<Targets>) {
    if constexpr (requires { data.fill_targets(rows, x, targets); })
      data.fill_targets(rows, x, targets);
    else
      data.fill_targets(rows, x.packing, targets);
  } else {
    data.fill_targets(rows, x.packing, targets);
    check_targets(x.packing, targets.are_labels ? static_cast<Index>(targets.labels.size()) : targets.values.cols(),
                  targets.sample_weights.size());
  }
}

/// Of streams one window, by its number or as EpochWindows has it, which comes with its targets.
template <Streams D, class Window, class Targets>
void load_window(const D& data, const Window& window, typename D::Batch& x, Targets& targets) {
  targets.are_labels = requires { data.fill(window, x, targets.labels); };
  if constexpr (requires { data.fill(window, x, targets.labels); })
    data.fill(window, x, targets.labels);
  else if constexpr (std::same_as<Window, Index> || requires { data.fill(window, x, targets.values); })
    data.fill(window, x, targets.values);
  else
    require_window_taken(false, "fill");
}
template <bool, Streams D, class Targets>
void load_batch(const D& data, std::span<const Index> windows, typename D::Batch& x, Targets& targets) {
  load_window(data, windows.front(), x, targets);
}
/// Whether a loss takes targets of a kind for an output Y, with its packing or as a matrix.
template <class L, class Y, class Targets>
inline constexpr bool takes_targets =
    takes_whole<L, Y, Targets> ||
    requires(const L& loss, const Y& y, const Targets& of) { loss(output_values(y), of); };
template <class L, class Y> inline constexpr bool takes_labels = takes_targets<L, Y, std::vector<Index>>;
template <class L, class Y>
inline constexpr bool takes_numbers =
    takes_targets<L, Y, std::remove_cvref_t<decltype(output_values(std::declval<Y&>()))>>;
/// Whether what a loss takes is the batch that the model has read.
template <class L, class Y, class In> inline constexpr bool takes_batch = !is_matrix<In> && takes_whole<L, Y, In>;

/// What a loss takes as targets.
struct TargetKinds {
  bool labels, numbers;
};
/// Y is an output.
template <class L, class Y> inline constexpr TargetKinds kinds_of{takes_labels<L, Y>, takes_numbers<L, Y>};
/// Throws for targets of a kind that the loss does not take.
UNROLL_API void require_kind(std::string_view who, TargetKinds taken, bool are_labels);
UNROLL_API void require_any_targets(std::string_view who, bool has_targets);

/// What can be known of a data set before anything is computed; a user's own need not tell.
template <class L, class Y, class D> void require_targets(std::string_view who, const D& data) {
  if constexpr (takes_batch<L, Y, typename D::Batch>) return;
  if constexpr (requires { data.has_targets(); }) require_any_targets(who, data.has_targets());
  if constexpr (requires { data.targets().are_labels(); })
    if (data.size() > 0) require_kind(who, kinds_of<L, Y>, data.targets().are_labels());
}

/// The rows asked for (none: all of a data set) in batches, longest sequences first: a sequence's output does not
/// depend on its company, its time does. A row may be asked for more than once, so batches are of places in the list of
/// rows.
class RowBatches {
 public:
  template <class D>
  RowBatches(const char* who, const D& data, std::span<const Index> rows, Index batch_size)
      : RowBatches(who, rows, batch_size, data.size(),
                   [&data](Index row, Index& length) { length = data.length(row); }) {}

  Index count() const { return batches_.count(); }
  Index size() const { return batches_.size(); }
  std::span<const Index> places(Index k) const { return batches_[k]; }
  /// The rows at these places, valid until the next call.
  UNROLL_API std::span<const Index> rows(Index k);

 private:
  UNROLL_API RowBatches(const char* who, std::span<const Index> rows, Index batch_size, Index size,
                        FunctionRef<Index, Index&> length_of);
  static Batches in_batches(const char* who, std::vector<Index>& rows, Index batch_size, Index size,
                            FunctionRef<Index, Index&> length_of);

  std::vector<Index> rows_, batch_;
  Batches batches_;
};
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/train/load_batch.ipp>
#endif
