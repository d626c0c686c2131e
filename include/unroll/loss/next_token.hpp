// A language model's targets: the tokens themselves, a step later.
#pragma once

#include <algorithm>

#include <unroll/loss/cross_entropy.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
/// For each packed column the token of the next step, `none` at the last step of a sequence.
class NextTokens {
 public:
  NextTokens(const TokenBatch& x, Index none) : x_(x), none_(none) {}

  Index size() const { return static_cast<Index>(x_.ids.size()); }
  Index operator[](Index n) const {
    const auto& offsets = x_.packing.offsets;
    const auto t = std::upper_bound(offsets.begin(), offsets.end(), n) - offsets.begin() - 1;
    const Index next = x_.packing.offset(t + 1) + n - x_.packing.offset(t);
    return t + 1 < x_.packing.steps() && n - x_.packing.offset(t) < x_.packing.batch_size(t + 1)
               ? Index{x_.ids[static_cast<std::size_t>(next)]}
               : none_;
  }

 private:
  const TokenBatch& x_;
  Index none_;
};
}  // namespace detail

/// The loss of a model that predicts the next token at every step, `NextToken{CrossEntropy{}}`: the label of step t is
/// the token at t + 1, and the last step of a sequence has none, which is the loss's `ignore_index`. It takes the batch
/// of tokens as its targets: a data set needs no others, and those that it has are not looked at.
template <class L = CrossEntropy> struct NextToken {
  L loss{};

  template <class T> using Targets = TokenBatch;

  template <class T>
  LossResult operator()(const PackedSequence<T>& output, const TokenBatch& tokens, PackedSequence<T>& d_output,
                        std::span<const double> sample_weights = {}) const {
    check(output.packing, tokens);
    const auto labels = next(tokens);
    return compute_loss(loss, output, Labels(labels), d_output, sample_weights);
  }
  template <class T> LossResult operator()(const PackedSequence<T>& output, const TokenBatch& tokens) const {
    check(output.packing, tokens);
    const auto labels = next(tokens);
    return compute_loss(loss, output, Labels(labels));
  }
  double weight(const TokenBatch& tokens) const { return loss.weight(Labels(next(tokens))); }

  template <class T> Index correct(const PackedSequence<T>& output, const TokenBatch& tokens) const {
    return detail::count_right(loss, output, Labels(next(tokens)));
  }
  Index count(const TokenBatch& tokens) const { return loss.count(Labels(next(tokens))); }
  /// What Labels sees as long as the tokens are there.
  detail::NextTokens labels(const TokenBatch& tokens) const { return next(tokens); }

 private:
  detail::NextTokens next(const TokenBatch& tokens) const { return {tokens, loss.ignore_index}; }
  static void check(const Packing& packing, const TokenBatch& tokens) {
    require(packing == tokens.packing, "NextToken: the output has another packing than the tokens");
  }
};
template <class L> NextToken(L) -> NextToken<L>;

}  // namespace unroll::inline UNROLL_ABI
