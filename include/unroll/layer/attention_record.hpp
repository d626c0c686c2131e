// How much was looked at what: the weights of attention, for who asks for them while a model runs.
#pragma once

#include <vector>

#include <unroll/core/error.hpp>
#include <unroll/core/packed_sequence.hpp>

namespace unroll::inline UNROLL_ABI {

/// What the attention of a pass leaves where Context::attention names one: dot_attention and what is made of it,
/// AdditiveAttention as a layer and in the step of a cell; in a cell of one step, or of more where gradients are kept.
class AttentionRecord {
 public:
  Index calls() const { return calls_; }
  void clear() { calls_ = 0; }
  /// How much the query of packed column n looked at each step of its memory, the mean over the calls and their heads.
  std::vector<double> weights_of(Index n) const {
    std::vector<double> mean(static_cast<std::size_t>(steps_[static_cast<std::size_t>(n)]));
    for (std::size_t s = 0; s < mean.size(); ++s)
      mean[s] = sum_(static_cast<Index>(s), n) / static_cast<double>(calls_);
    return mean;
  }
  /// w (steps of the longest memory, N): what is behind a memory's end is not read.
  template <class T> void add(const Matrix<T>& w, const Packing& queries, const Packing& memory) {
    const bool is_first = calls_++ == 0;
    if (is_first) sum_ = Matrix<double>::Zero(memory.steps(), queries.total());
    steps_.resize(static_cast<std::size_t>(queries.total()));
    detail::sorted_positions(memory, place_);
    for (Index n = 0; n < queries.total(); ++n) {
      const Index steps = memory.length(place_[static_cast<std::size_t>(queries.sequence_of(n))]);
      Index& known = steps_[static_cast<std::size_t>(n)];
      if (is_first) known = steps;
      require(known == steps && queries.total() == sum_.cols(), "AttentionRecord: one call looks at ", known,
              " steps and another at ", steps, " for the same query: their weights have no mean");
      for (Index s = 0; s < steps; ++s) sum_(s, n) += static_cast<double>(w(s, n));
    }
  }

 private:
  Matrix<double> sum_;
  std::vector<Index> steps_, place_;
  Index calls_ = 0;
};

}  // namespace unroll::inline UNROLL_ABI
