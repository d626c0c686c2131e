// A data set whose targets are sequences of labels of their own lengths.
#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include <unroll/data/dataset.hpp>
#include <unroll/loss/label_sequences.hpp>

namespace unroll::inline UNROLL_ABI {

/// Another data set's sequences, and labels for each that are not for its steps: what a model that ends in a Ctc learns
/// from. The other's targets and weights are not looked at.
template <class D> class LabelSequenceDataset {
 public:
  using Batch = typename D::Batch;
  using BatchTargets = LabelSequences;

  LabelSequenceDataset() = default;
  /// Throws where there are not as many of both.
  LabelSequenceDataset(D inputs, LabelSequences targets) : inputs_(std::move(inputs)), targets_(std::move(targets)) {
    require(inputs_.size() == targets_.size(), "LabelSequenceDataset: ", targets_.size(), " targets for ",
            inputs_.size(), " sequences");
  }

  Index size() const { return inputs_.size(); }
  Index length(Index k) const { return inputs_.length(k); }
  const D& inputs() const { return inputs_; }
  const LabelSequences& targets() const { return targets_; }
  decltype(auto) operator[](Index k) const { return inputs_[k]; }

  void fill(std::span<const Index> rows, Batch& batch) const { inputs_.fill(rows, batch); }
  template <class Any> void fill_targets(std::span<const Index> rows, const Any&, LabelSequences& out) const {
    out.clear();
    for (const Index row : rows) out.append(targets_[row]);
  }
  /// These sequences alone, in this order.
  LabelSequenceDataset select(std::span<const Index> rows) const {
    LabelSequenceDataset some;
    some.inputs_ = inputs_.select(rows);
    for (const Index row : rows) some.targets_.append(targets_[row]);
    return some;
  }

 private:
  D inputs_;
  LabelSequences targets_;
};

}  // namespace unroll::inline UNROLL_ABI
