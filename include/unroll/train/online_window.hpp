// The last steps of a stream: what came, what would have been right, and the states that it went through.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <unroll/core/error.hpp>
#include <unroll/core/packed_sequence.hpp>
#include <unroll/data/targets.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
/// K steps of a stream of In, of which step t is in slot t % K. Memory is made by the first step, the first truth and
/// the first window, and never again.
template <class T, class In, class State> class OnlineWindow {
 public:
  static constexpr bool has_ids = std::same_as<In, TokenBatch>;

  explicit OnlineWindow(Index steps) : length_(steps) {
    const auto n = static_cast<std::size_t>(steps);
    states_.resize(n);
    known_.resize(n);
    kept_.labels.resize(n);
    if constexpr (has_ids) ids_.resize(n);
  }

  Index steps() const { return steps_; }
  /// Of the last step.
  bool is_known() const { return steps_ > 0 && known_[slot(steps_ - 1)] != 0; }

  /// A step x that led from `state` to `next`; afterwards `state` is `next`, and `next` room for another.
  void push(const In& x, State& state, State& next) {
    const std::size_t at = slot(steps_);
    if (steps_ == 0) {
      for (State& s : states_) s = next;  // room for all of them at once
      state = next;                       // before the first step there was none
    }
    if constexpr (has_ids) {
      ids_[at] = x.ids[0];
    } else {
      if (inputs_.rows() != x.values.rows()) inputs_.resize(x.values.rows(), length_);
      inputs_.col(static_cast<Index>(at)) = x.values;
    }
    known_[at] = 0;
    std::swap(states_[at], state);
    std::swap(state, next);
    ++steps_;
  }
  /// The truth of the last step. Throws where it is of another kind than those before.
  void tell(const BatchTargets<T>& truth) {
    require(!is_told_ || kept_.are_labels == truth.are_labels,
            "OnlineLearner: labels and numbers in one stream, expected one kind of truth");
    const std::size_t at = slot(steps_ - 1);
    is_told_ = true;
    known_[at] = 1;
    kept_.are_labels = truth.are_labels;
    if (truth.are_labels) {
      kept_.labels[at] = truth.labels[0];
    } else {
      if (kept_.values.rows() != truth.values.rows()) kept_.values.resize(truth.values.rows(), length_);
      kept_.values.col(static_cast<Index>(at)) = truth.values;
    }
  }
  /// The state that the window starts from; null: none, it is the stream's first.
  const State* start() const { return steps_ > length_ ? &states_[slot(steps_ - length_)] : nullptr; }
  /// All K steps, in order, and their truths; one that is not known weighs nothing.
  void gather(In& x, BatchTargets<T>& truths) const {
    const auto n = static_cast<std::size_t>(length_);
    truths.are_labels = kept_.are_labels;
    if (kept_.are_labels)
      truths.labels.resize(n);
    else
      truths.values.resize(kept_.values.rows(), length_);
    truths.sample_weights.resize(n);
    if constexpr (has_ids)
      x.ids.resize(n);
    else
      x.values.resize(inputs_.rows(), length_);
    bool complete = true;
    for (Index k = 0; k < length_; ++k) {
      const std::size_t to = static_cast<std::size_t>(k), from = slot(steps_ - length_ + k);
      if constexpr (has_ids)
        x.ids[to] = ids_[from];
      else
        x.values.col(k) = inputs_.col(static_cast<Index>(from));
      const bool known = known_[from] != 0;
      truths.sample_weights[to] = known ? 1 : 0;
      complete = complete && known;
      if (truths.are_labels)
        truths.labels[to] = known ? kept_.labels[from] : 0;
      else if (known)
        truths.values.col(k) = kept_.values.col(static_cast<Index>(from));
      else
        truths.values.col(k).setZero();
    }
    if (complete) truths.sample_weights.clear();
  }
  void clear() {
    steps_ = 0;
    is_told_ = false;
  }

 private:
  std::size_t slot(Index step) const { return static_cast<std::size_t>(step % length_); }

  Index length_, steps_ = 0;
  std::vector<State> states_;  // before each step
  Matrix<T> inputs_;
  std::vector<std::int32_t> ids_;
  BatchTargets<T> kept_;
  std::vector<std::uint8_t> known_;  // whether that is the step's truth
  bool is_told_ = false;
};
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
