// Bodies of train/translate.hpp.
#pragma once

#include <numeric>
#include <utility>

#include <unroll/core/error.hpp>
#include <unroll/core/finite.hpp>
#include <unroll/train/translate.hpp>

namespace unroll::inline UNROLL_ABI::detail {

UNROLL_FUNCTION Translations::Translations(std::span<const Index> lengths, const TranslateOptions& options)
    : looked_at_{options.width == 1 ? 0 : options.coverage_penalty, options.alignments} {
  require(has_finite_bits(options.max_ratio) && options.max_ratio >= 0, "translate: max_ratio is ", options.max_ratio,
          ", expected 0 or more");
  require(has_finite_bits(options.coverage_penalty) && options.coverage_penalty >= 0, "translate: coverage_penalty is ",
          options.coverage_penalty, ", expected 0 or more");
  require(options.max_more >= 1, "translate: max_more is ", options.max_more, ", expected 1 or more");
  for (std::size_t k = 0; k < lengths.size(); ++k) {
    const double most = options.max_ratio * static_cast<double>(lengths[k]) + static_cast<double>(options.max_more);
    searches_.push_back({Beam("translate",
                              {.width = options.width,
                               .n_best = options.n_best,
                               .max_tokens = static_cast<Index>((std::min)(most, 1e9)),
                               .length_penalty = options.width == 1 ? 0 : options.length_penalty,
                               .stop = {options.end},
                               .forbidden = options.forbidden},
                              looked_at_),
                         static_cast<Index>(k)});
    tokens_.push_back(options.begin);
    source_of_.push_back(static_cast<Index>(k));
  }
}

UNROLL_FUNCTION bool Translations::extend(FunctionRef<Index, std::vector<double>&> log_p,
                                          const AttentionRecord& looked) {
  require(!looks() || looked.calls() > 0,
          "translate: decode calls no attention whose weights can be seen, expected dot_attention, MultiHeadAttention, "
          "AdditiveAttention or another that is made of them, for a coverage penalty or alignments");
  parallel_ranges(std::ssize(searches_), 1, [&](Index begin, Index end) {
    std::vector<std::vector<double>> of_texts, looked_at;
    for (Index k = begin; k < end; ++k) {
      Search& search = searches_[static_cast<std::size_t>(k)];
      if (!search.goes_on) continue;
      of_texts.resize(static_cast<std::size_t>(search.texts));
      for (Index j = 0; j < search.texts; ++j) log_p(search.first + j, of_texts[static_cast<std::size_t>(j)]);
      looked_at.clear();
      for (Index j = 0; looks() && j < search.texts; ++j) looked_at.push_back(looked.weights_of(search.first + j));
      search.goes_on = search.beam.extend(of_texts, looked_at);
    }
  });
  tokens_.clear(), source_of_.clear(), rows_.clear();
  for (std::size_t k = 0; k < searches_.size(); ++k) {
    Search& search = searches_[k];
    if (!search.goes_on) continue;
    const Index before = std::exchange(search.first, std::ssize(tokens_));
    for (const Index row : search.beam.rows()) rows_.push_back(before + row);
    tokens_.insert(tokens_.end(), search.beam.tokens().begin(), search.beam.tokens().end());
    search.texts = std::ssize(search.beam.tokens());
    source_of_.resize(tokens_.size(), static_cast<Index>(k));
  }
  return !tokens_.empty();
}

UNROLL_FUNCTION std::vector<std::vector<Hypothesis>> Translations::best() {
  std::vector<std::vector<Hypothesis>> all;
  for (Search& search : searches_) {
    all.push_back(search.beam.best());
    for (Hypothesis& text : all.back())
      if (text.stopped) {
        text.ids.pop_back();
        if (!text.alignment.empty()) text.alignment.pop_back();
      }
  }
  return all;
}

UNROLL_FUNCTION std::vector<std::vector<Index>> batches_of_sources(std::span<const std::vector<std::int32_t>> sources,
                                                                   Index batch_size) {
  require(batch_size >= 1, "translate: batch_size is ", batch_size, ", expected 1 or more");
  for (std::size_t k = 0; k < sources.size(); ++k)
    require(!sources[k].empty(), "translate: source ", k, " has no token");
  std::vector<Index> rows(sources.size());
  std::iota(rows.begin(), rows.end(), Index(0));
  const auto length = [&](Index row) { return sources[static_cast<std::size_t>(row)].size(); };
  std::ranges::sort(rows, [&](Index a, Index b) { return length(a) != length(b) ? length(a) > length(b) : a < b; });
  std::vector<std::vector<Index>> batches;
  for (std::size_t k = 0; k < rows.size(); ++k) {
    if (batches.empty() || std::ssize(batches.back()) == batch_size) batches.emplace_back();
    batches.back().push_back(rows[k]);
  }
  return batches;
}
UNROLL_FUNCTION TokenBatch batch_of_sources(std::span<const std::vector<std::int32_t>> sources,
                                            std::span<const Index> rows) {
  const auto of = [&](Index row) -> const std::vector<std::int32_t>& { return sources[static_cast<std::size_t>(row)]; };
  std::vector<Index> lengths;
  for (const Index row : rows) lengths.push_back(std::ssize(of(row)));
  TokenBatch batch;
  batch.packing = Packing::from_lengths(lengths, (std::ranges::max)(lengths));
  for (Index n = 0; n < batch.packing.total(); ++n)
    batch.ids.push_back(of(rows[static_cast<std::size_t>(batch.packing.sequence_of(n))])[static_cast<std::size_t>(
        batch.packing.time_of(n))]);
  return batch;
}

}  // namespace unroll::inline UNROLL_ABI::detail
