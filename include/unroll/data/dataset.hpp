// Data sets in memory: sequences of any lengths, one after the other, and what is to be learned about them.
#pragma once

#include <concepts>

#include <unroll/core/packed_sequence.hpp>
#include <unroll/core/range.hpp>
#include <unroll/data/targets.hpp>

namespace unroll::inline UNROLL_ABI {

/// What `fit` and `evaluate` ask of a data set; a user's own may read from a disk. `fill` makes a batch of the named
/// sequences, `fill_targets` its targets (the batch's packing tells the order of steps). Both reuse the memory of what
/// they fill, and fill the same whenever they are asked for the same rows.
template <class D, class T = float>
concept Dataset = requires(const D& data, Index k, std::span<const Index> rows, typename D::Batch& batch,
                           const Packing& packing, BatchTargets<T>& targets) {
  { data.size() } -> std::convertible_to<Index>;
  { data.length(k) } -> std::convertible_to<Index>;
  data.fill(rows, batch);
  data.fill_targets(rows, packing, targets);
};

/// Where each sequence begins in flat storage, its targets and its weight: what all data sets share.
class RaggedDataset {
 public:
  Index size() const { return static_cast<Index>(offsets_.size()) - 1; }
  Index length(Index k) const {
    check_row(k);
    return steps_of(k);
  }
  /// Steps of all sequences together.
  Index steps() const { return offsets_.back(); }
  const Targets& targets() const { return targets_; }
  /// Whether it has one for each sequence or for each step: without them a model can answer, but not be trained.
  bool has_targets() const { return targets_.size() == (targets_.per_step ? steps() : size()); }
  const std::vector<std::string>& label_names() const { return targets_.label_names; }

  /// Weights of the sequences in the loss, 0 or more; none: 1 each.
  const std::vector<double>& sample_weights() const { return sample_weights_; }
  void set_sample_weights(std::vector<double> weights) {
    require(weights.empty() || static_cast<Index>(weights.size()) == size(), "Dataset: ", weights.size(),
            " sample weights for ", size(), " sequences");
    for (std::size_t k = 0; k < weights.size(); ++k)
      if (!(detail::has_finite_bits(weights[k]) && weights[k] >= 0))
        detail::require_not_negative("Dataset", concat("sample weight ", k), weights[k]);
    sample_weights_ = std::move(weights);
  }

  /// Throws where there are no targets, a row is outside or the packing is not that of these sequences.
  template <class T>
  void fill_targets(std::span<const Index> rows, const Packing& packing, BatchTargets<T>& out) const {
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
      require(time == 0 || time < steps_of(row), "Dataset: the packing has step ", time, " of row ", row,
              ", which has ", steps_of(row));
      const Index from = targets_.per_step ? offset(row) + time : row;
      if (out.are_labels)
        out.labels[static_cast<std::size_t>(n)] = targets_.labels[static_cast<std::size_t>(from)];
      else
        out.values.col(n) = targets_.values.col(from).template cast<T>();
      if (!sample_weights_.empty())
        out.sample_weights[static_cast<std::size_t>(n)] = sample_weights_[static_cast<std::size_t>(row)];
    }
  }

 protected:
  void check_row(Index row) const { detail::require_index("Dataset", "row", row, size()); }
  /// Unchecked.
  Index steps_of(Index k) const { return offset(k + 1) - offset(k); }
  Index offset(Index k) const { return offsets_[static_cast<std::size_t>(k)]; }
  void append_length(Index length) { offsets_.push_back(offsets_.back() + length); }

  /// Nothing at all are none: what `fit` and `evaluate` refuse.
  void set_targets(Targets targets) {
    require(targets.labels.empty() || targets.are_labels(), "Dataset: the targets are labels and numbers at once");
    if (targets.size() == 0 && !targets.per_step && size() > 0) return;
    require(targets.size() == (targets.per_step ? steps() : size()), "Dataset: ", targets.size(), " targets for ",
            targets.per_step ? steps() : size(), targets.per_step ? " steps" : " sequences");
    targets_ = std::move(targets);
  }
  /// The targets and weights of some sequences, for a data set that holds just those.
  void select_targets(const RaggedDataset& from, std::span<const Index> rows) {
    const Targets& all = from.targets_;
    Targets some;
    some.per_step = all.per_step;
    some.label_names = all.label_names;
    if (!all.are_labels()) some.values.resize(all.values.rows(), all.per_step ? steps() : size());
    Index to = 0;
    for (const Index row : rows) {
      const Index first = all.per_step ? from.offset(row) : row;
      const Index n = !from.has_targets() ? 0 : all.per_step ? from.steps_of(row) : 1;
      for (Index k = 0; k < n; ++k, ++to)
        if (all.are_labels())
          some.labels.push_back(all.labels[static_cast<std::size_t>(first + k)]);
        else
          some.values.col(to) = all.values.col(first + k);
      if (!from.sample_weights_.empty()) sample_weights_.push_back(from.sample_weights_[static_cast<std::size_t>(row)]);
    }
    targets_ = std::move(some);
  }
  void lay_out(std::span<const Index> rows, Packing& packing) const {
    Index longest = 0;
    for (const Index row : rows) {
      check_row(row);
      longest = (std::max)(longest, steps_of(row));
    }
    packing.assign(static_cast<Index>(rows.size()), longest,
                   [&](Index b, Index t) { return t < steps_of(rows[static_cast<std::size_t>(b)]); });
  }

 private:
  void check_packing(std::span<const Index> rows, const Packing& packing) const {
    require(packing.batch() == static_cast<Index>(rows.size()), "Dataset: a packing of ", packing.batch(),
            " sequences for ", rows.size(), " rows");
    Index steps = 0;
    for (const Index row : rows) {
      check_row(row);
      steps += steps_of(row);
    }
    require(packing.total() == steps, "Dataset: a packing of ", packing.total(), " steps for rows that have ", steps);
  }

  std::vector<Index> offsets_{0};
  Targets targets_;
  std::vector<double> sample_weights_;
};

/// Sequences of token ids.
class TokenDataset : public RaggedDataset {
 public:
  using Batch = TokenBatch;

  TokenDataset() = default;
  /// Throws where targets and sequences do not fit each other.
  explicit TokenDataset(const std::vector<std::vector<std::int32_t>>& sequences, Targets targets = {}) {
    for (const auto& s : sequences) append(s);
    set_targets(std::move(targets));
  }

  std::span<const std::int32_t> operator[](Index k) const {
    check_row(k);
    return std::span(ids_).subspan(static_cast<std::size_t>(offset(k)), static_cast<std::size_t>(steps_of(k)));
  }
  void fill(std::span<const Index> rows, TokenBatch& batch) const {
    lay_out(rows, batch.packing);
    batch.ids.resize(batch.packing.source.size());
    for (std::size_t n = 0; n < batch.ids.size(); ++n) {
      const Index row = rows[static_cast<std::size_t>(batch.packing.sequence_of(Index(n)))];
      batch.ids[n] = ids_[static_cast<std::size_t>(offset(row) + batch.packing.time_of(Index(n)))];
    }
  }
  /// These sequences alone, in this order.
  TokenDataset select(std::span<const Index> rows) const {
    TokenDataset some;
    for (const Index row : rows) some.append((*this)[row]);
    some.select_targets(*this, rows);
    return some;
  }

 private:
  void append(std::span<const std::int32_t> ids) {
    ids_.insert(ids_.end(), ids.begin(), ids.end());
    append_length(static_cast<Index>(ids.size()));
  }

  std::vector<std::int32_t> ids_;
};

/// Sequences of vectors.
template <class T = float> class SequenceDataset : public RaggedDataset {
 public:
  using Batch = PackedSequence<T>;
  using Dense = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>;

  SequenceDataset() = default;
  /// One (D, T_i) matrix a sequence. Throws where their D differ, or targets and sequences do not fit each other.
  explicit SequenceDataset(const std::vector<Dense>& sequences, Targets targets = {}) {
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

  Index features() const { return values_.rows(); }
  /// (D, T_k), no copy.
  auto operator[](Index k) const {
    check_row(k);
    return values_.middleCols(offset(k), steps_of(k));
  }
  void fill(std::span<const Index> rows, PackedSequence<T>& batch) const {
    lay_out(rows, batch.packing);
    batch.values.resize(features(), batch.packing.total());
    for (Index n = 0; n < batch.packing.total(); ++n) {
      const Index row = rows[static_cast<std::size_t>(batch.packing.sequence_of(n))];
      batch.values.col(n) = values_.col(offset(row) + batch.packing.time_of(n));
    }
  }
  /// These sequences alone, in this order.
  SequenceDataset select(std::span<const Index> rows) const {
    SequenceDataset some;
    for (const Index row : rows) some.append_length(length(row));
    some.values_.resize(features(), some.steps());
    for (std::size_t k = 0; k < rows.size(); ++k)
      some.values_.middleCols(some.offset(Index(k)), steps_of(rows[k])) = (*this)[rows[k]];
    some.select_targets(*this, rows);
    return some;
  }

 private:
  Matrix<T> values_;  // (D, steps)
};
template <class T>
SequenceDataset(const std::vector<Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>>&) -> SequenceDataset<T>;
template <class T, class Of>
SequenceDataset(const std::vector<Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>>&, Of&&) -> SequenceDataset<T>;

}  // namespace unroll::inline UNROLL_ABI
