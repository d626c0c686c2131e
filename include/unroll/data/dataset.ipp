// Bodies of data/dataset.hpp.
#pragma once

#include <algorithm>

#include <unroll/core/error.hpp>
#include <unroll/core/finite.hpp>
#include <unroll/core/range.hpp>
#include <unroll/data/dataset.hpp>

namespace unroll::inline UNROLL_ABI {

UNROLL_FUNCTION Index RaggedDataset::length(Index k) const {
  check_row(k);
  return steps_of(k);
}
UNROLL_FUNCTION void RaggedDataset::set_sample_weights(std::vector<double> weights) {
  require(weights.empty() || static_cast<Index>(weights.size()) == size(), "Dataset: ", weights.size(),
          " sample weights for ", size(), " sequences");
  for (std::size_t k = 0; k < weights.size(); ++k)
    if (!(detail::has_finite_bits(weights[k]) && weights[k] >= 0))
      detail::require_not_negative("Dataset", concat_text("sample weight ", k), weights[k]);
  sample_weights_ = std::move(weights);
}

UNROLL_FUNCTION void RaggedDataset::check_row(Index row) const { detail::require_index("Dataset", "row", row, size()); }
UNROLL_FUNCTION void RaggedDataset::append_length(Index length) { offsets_.push_back(offsets_.back() + length); }
UNROLL_FUNCTION void RaggedDataset::set_targets(Targets targets) {
  require(targets.labels.empty() || targets.are_labels(), "Dataset: the targets are labels and numbers at once");
  if (targets.size() == 0 && !targets.per_step && size() > 0) return;
  require(targets.size() == (targets.per_step ? steps() : size()), "Dataset: ", targets.size(), " targets for ",
          targets.per_step ? steps() : size(), targets.per_step ? " steps" : " sequences");
  targets_ = std::move(targets);
}
UNROLL_FUNCTION void RaggedDataset::select_targets(const RaggedDataset& from, std::span<const Index> rows) {
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
UNROLL_FUNCTION void RaggedDataset::lay_out(std::span<const Index> rows, Packing& packing) const {
  Index longest = 0;
  for (const Index row : rows) {
    check_row(row);
    longest = (std::max)(longest, steps_of(row));
  }
  packing.assign(static_cast<Index>(rows.size()), longest,
                 [&](Index b, Index t) { return t < steps_of(rows[static_cast<std::size_t>(b)]); });
}
UNROLL_FUNCTION void RaggedDataset::check_packing(std::span<const Index> rows, const Packing& packing) const {
  require(packing.batch() == static_cast<Index>(rows.size()), "Dataset: a packing of ", packing.batch(),
          " sequences for ", rows.size(), " rows");
  Index steps = 0;
  for (const Index row : rows) {
    check_row(row);
    steps += steps_of(row);
  }
  require(packing.total() == steps, "Dataset: a packing of ", packing.total(), " steps for rows that have ", steps);
}

UNROLL_FUNCTION TokenDataset::TokenDataset(const std::vector<std::vector<std::int32_t>>& sequences, Targets targets) {
  for (const auto& s : sequences) append(s);
  set_targets(std::move(targets));
}
UNROLL_FUNCTION std::span<const std::int32_t> TokenDataset::operator[](Index k) const {
  check_row(k);
  return std::span(ids_).subspan(static_cast<std::size_t>(offset(k)), static_cast<std::size_t>(steps_of(k)));
}
UNROLL_FUNCTION void TokenDataset::fill(std::span<const Index> rows, TokenBatch& batch) const {
  lay_out(rows, batch.packing);
  batch.ids.resize(batch.packing.source.size());
  for (std::size_t n = 0; n < batch.ids.size(); ++n) {
    const Index row = rows[static_cast<std::size_t>(batch.packing.sequence_of(Index(n)))];
    batch.ids[n] = ids_[static_cast<std::size_t>(offset(row) + batch.packing.time_of(Index(n)))];
  }
}
UNROLL_FUNCTION TokenDataset TokenDataset::select(std::span<const Index> rows) const {
  TokenDataset some;
  for (const Index row : rows) some.append((*this)[row]);
  some.select_targets(*this, rows);
  return some;
}
UNROLL_FUNCTION void TokenDataset::append(std::span<const std::int32_t> ids) {
  ids_.insert(ids_.end(), ids.begin(), ids.end());
  append_length(static_cast<Index>(ids.size()));
}

}  // namespace unroll::inline UNROLL_ABI
