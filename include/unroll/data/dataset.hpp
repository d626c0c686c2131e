// Data sets in memory: sequences of any lengths, one after the other, and what is to be learned about them.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <unroll/core/error.hpp>
#include <unroll/core/matrix.hpp>
#include <unroll/core/packed_sequence.hpp>
#include <unroll/core/packing.hpp>
#include <unroll/data/targets.hpp>

namespace unroll::inline UNROLL_ABI {

/// What `fit` and `evaluate` ask of a data set; a user's own may read from a disk. `fill` makes a batch of the named
/// sequences, `fill_targets` its targets (the batch's packing tells the order of steps; of a batch of several inputs it
/// gets all of it in the packing's place). Both reuse the memory of what they fill, and fill the same whenever they are
/// asked for the same rows.
template <class D, class T = float>
concept Dataset = requires(const D& data, Index k, std::span<const Index> rows, typename D::Batch& batch,
                           const Packing& packing, BatchTargets<T>& targets) {
  { data.size() } -> std::convertible_to<Index>;
  { data.length(k) } -> std::convertible_to<Index>;
  data.fill(rows, batch);
  requires requires { data.fill_targets(rows, packing, targets); } ||
               requires { data.fill_targets(rows, batch, targets); };
};

/// Where each sequence begins in flat storage, its targets and its weight: what all data sets share.
class RaggedDataset {
 public:
  Index size() const { return static_cast<Index>(offsets_.size()) - 1; }
  UNROLL_API Index length(Index k) const;
  /// Steps of all sequences together.
  Index steps() const { return offsets_.back(); }
  const Targets& targets() const { return targets_; }
  /// Whether it has one for each sequence or for each step: without them a model can answer, but not be trained.
  bool has_targets() const { return targets_.size() == (targets_.per_step ? steps() : size()); }
  const std::vector<std::string>& label_names() const { return targets_.label_names; }

  /// Weights of the sequences in the loss, 0 or more; none: 1 each.
  const std::vector<double>& sample_weights() const { return sample_weights_; }
  UNROLL_API void set_sample_weights(std::vector<double> weights);

  /// Throws where there are no targets, a row is outside or the packing is not that of these sequences.
  template <class T>
  UNROLL_API void fill_targets(std::span<const Index> rows, const Packing& packing, BatchTargets<T>& out) const;

 protected:
  UNROLL_API void check_row(Index row) const;
  /// Unchecked.
  Index steps_of(Index k) const { return offset(k + 1) - offset(k); }
  Index offset(Index k) const { return offsets_[static_cast<std::size_t>(k)]; }
  UNROLL_API void append_length(Index length);

  /// Nothing at all are none: what `fit` and `evaluate` refuse.
  UNROLL_API void set_targets(Targets targets);
  /// The targets and weights of some sequences, for a data set that holds just those.
  UNROLL_API void select_targets(const RaggedDataset& from, std::span<const Index> rows);
  UNROLL_API void lay_out(std::span<const Index> rows, Packing& packing) const;

 private:
  UNROLL_API void check_packing(std::span<const Index> rows, const Packing& packing) const;

  std::vector<Index> offsets_{0};
  Targets targets_;
  std::vector<double> sample_weights_;
};

template <class T>
void RaggedDataset::fill_targets(std::span<const Index> rows, const Packing& packing, BatchTargets<T>& out) const {
  require(has_targets(), "Dataset: it has no targets: labels or numbers, from its file or given to its constructor");
  check_packing(rows, packing);
  out.are_labels = targets_.are_labels();
  const Index columns = targets_.per_step ? packing.total() : static_cast<Index>(rows.size());
  out.labels.resize(out.are_labels ? static_cast<std::size_t>(columns) : 0);
  out.values.resize(targets_.values.rows(), out.are_labels ? 0 : columns);
  out.sample_weights.resize(sample_weights_.empty() ? 0 : static_cast<std::size_t>(columns));
  for (Index n = 0; n < columns; ++n) {
    const Index row = rows[static_cast<std::size_t>(targets_.per_step ? packing.sequence_of(n) : n)];
    const Index time = targets_.per_step ? packing.time_of(n) : 0;
    require(time == 0 || time < steps_of(row), "Dataset: the packing has step ", time, " of row ", row, ", which has ",
            steps_of(row));
    const Index from = targets_.per_step ? offset(row) + time : row;
    if (out.are_labels)
      out.labels[static_cast<std::size_t>(n)] = targets_.labels[static_cast<std::size_t>(from)];
    else
      out.values.col(n) = targets_.values.col(from).template cast<T>();
    if (!sample_weights_.empty())
      out.sample_weights[static_cast<std::size_t>(n)] = sample_weights_[static_cast<std::size_t>(row)];
  }
}

/// Sequences of token ids.
class TokenDataset : public RaggedDataset {
 public:
  using Batch = TokenBatch;

  TokenDataset() = default;
  /// Throws where targets and sequences do not fit each other.
  UNROLL_API explicit TokenDataset(const std::vector<std::vector<std::int32_t>>& sequences, Targets targets = {});

  UNROLL_API std::span<const std::int32_t> operator[](Index k) const;
  UNROLL_API void fill(std::span<const Index> rows, TokenBatch& batch) const;
  /// These sequences alone, in this order.
  UNROLL_API TokenDataset select(std::span<const Index> rows) const;

 private:
  void append(std::span<const std::int32_t> ids);

  std::vector<std::int32_t> ids_;
};

/// Sequences of vectors.
template <class T = float> class SequenceDataset : public RaggedDataset {
 public:
  using Batch = PackedSequence<T>;
  using Dense = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>;

  SequenceDataset() = default;
  /// One (D, T_i) matrix a sequence. Throws where their D differ, or targets and sequences do not fit each other.
  UNROLL_API explicit SequenceDataset(const std::vector<Dense>& sequences, Targets targets = {});

  Index features() const { return values_.rows(); }
  /// (D, steps), one sequence after the other: what a Scaler is made of.
  const Matrix<T>& values() const { return values_; }
  /// (D, T_k), no copy.
  auto operator[](Index k) const {
    check_row(k);
    return values_.middleCols(offset(k), steps_of(k));
  }
  UNROLL_API void fill(std::span<const Index> rows, PackedSequence<T>& batch) const;
  /// These sequences alone, in this order.
  UNROLL_API SequenceDataset select(std::span<const Index> rows) const;

 private:
  Matrix<T> values_;  // (D, steps)
};
template <class T>
SequenceDataset(const std::vector<Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>>&) -> SequenceDataset<T>;
template <class T, class Of>
SequenceDataset(const std::vector<Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>>&, Of&&) -> SequenceDataset<T>;

template <class T> SequenceDataset<T>::SequenceDataset(const std::vector<Dense>& sequences, Targets targets) {
  for (const auto& s : sequences) {
    require(s.rows() == sequences.front().rows(), "SequenceDataset: sequence ", size(), " has ", s.rows(),
            " features, sequence 0 has ", sequences.front().rows());
    append_length(s.cols());
  }
  values_.resize(sequences.empty() ? 0 : sequences.front().rows(), steps());
  for (Index k = 0; k < size(); ++k)
    values_.middleCols(offset(k), steps_of(k)) = sequences[static_cast<std::size_t>(k)];
  set_targets(std::move(targets));
}
template <class T> void SequenceDataset<T>::fill(std::span<const Index> rows, PackedSequence<T>& batch) const {
  lay_out(rows, batch.packing);
  batch.values.resize(features(), batch.packing.total());
  for (Index n = 0; n < batch.packing.total(); ++n) {
    const Index row = rows[static_cast<std::size_t>(batch.packing.sequence_of(n))];
    batch.values.col(n) = values_.col(offset(row) + batch.packing.time_of(n));
  }
}
template <class T> SequenceDataset<T> SequenceDataset<T>::select(std::span<const Index> rows) const {
  SequenceDataset some;
  for (const Index row : rows) some.append_length(length(row));
  some.values_.resize(features(), some.steps());
  for (std::size_t k = 0; k < rows.size(); ++k)
    some.values_.middleCols(some.offset(Index(k)), steps_of(rows[k])) = (*this)[rows[k]];
  some.select_targets(*this, rows);
  return some;
}

#define UNROLL_DATASET_INSTANCES_OF(DECLARE, T)                                                                     \
  DECLARE void RaggedDataset::fill_targets<T>(std::span<const Index>, const Packing&, BatchTargets<T>&) const;      \
  DECLARE SequenceDataset<T>::SequenceDataset(const std::vector<Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>>&, \
                                              Targets);                                                             \
  DECLARE void SequenceDataset<T>::fill(std::span<const Index>, PackedSequence<T>&) const;                          \
  DECLARE SequenceDataset<T> SequenceDataset<T>::select(std::span<const Index>) const;
#define UNROLL_DATASET_INSTANCES(DECLARE)     \
  UNROLL_DATASET_INSTANCES_OF(DECLARE, float) \
  UNROLL_DATASET_INSTANCES_OF(DECLARE, double)
#if !UNROLL_HEADER_ONLY
UNROLL_DATASET_INSTANCES(extern template)
#endif

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/data/dataset.ipp>
#endif
