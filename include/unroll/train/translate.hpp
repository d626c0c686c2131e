// What an encoder-decoder model writes for its sources, the likeliest of it, searched for side by side.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <unroll/data/pair_dataset.hpp>
#include <unroll/train/beam_search.hpp>
#include <unroll/train/decoder_stepper.hpp>

namespace unroll::inline UNROLL_ABI {

struct TranslateOptions {
  Index width = 5;            ///< texts that are followed at once for each source; 1: the likeliest token every time
  Index n_best = 1;           ///< texts that are given for each source, at most
  double max_ratio = 2;       ///< tokens of a text at most, its end among them: max_ratio * those of the source
  Index max_more = 10;        ///< and so many more
  double length_penalty = 0;  ///< see BeamOptions; with width 1 it changes nothing
  /// b: a score has + b sum_i log min(sum_j p_ij, 1), where p_ij is how much token j, the end among them, looked at
  /// step i of the source: less for a text that leaves out some of it. Wu et al. 2016. With width 1 it changes nothing.
  double coverage_penalty = 0;
  bool alignments = false;                                                  ///< Hypothesis::alignment is filled
  std::int32_t begin = TextEncoding::bos, end = TextEncoding::eos;          ///< as in the PairDataset of training
  std::vector<std::int32_t> forbidden{Vocabulary::pad, TextEncoding::bos};  ///< never in a text
  Index batch_size = 64;                                                    ///< sources that are read at once
};

namespace detail {
/// The searches of a batch, without the model.
class Translations {
 public:
  /// `lengths`: of the sources. Throws for options out of range.
  UNROLL_API Translations(std::span<const Index> lengths, const TranslateOptions& options);
  /// Chooses what is followed; false: all searches are over. log_p(column, to) writes the logarithms of probabilities
  /// of what follows text `column`; threads call it. `looked` is what each looked at, where that counts.
  UNROLL_API bool extend(FunctionRef<Index, std::vector<double>&> log_p, const AttentionRecord& looked = {});
  /// Whether it counts what texts look at.
  bool looks() const { return looked_at_.counts(); }
  /// Of the texts that are followed now: their last tokens, their sources, and which of those before each goes on.
  const std::vector<std::int32_t>& tokens() const { return tokens_; }
  const std::vector<Index>& source_of() const { return source_of_; }
  const std::vector<Index>& rows() const { return rows_; }
  /// The best first for each source, without the ends.
  UNROLL_API std::vector<std::vector<Hypothesis>> best();

 private:
  struct Search {
    Beam beam;
    Index first = 0, texts = 1;  ///< its columns
    bool goes_on = true;
  };
  LookedAt looked_at_;
  std::vector<Search> searches_;
  std::vector<std::int32_t> tokens_;
  std::vector<Index> source_of_, rows_;
};
/// The sources by their lengths, the longest first, in batches.
UNROLL_API std::vector<std::vector<Index>> batches_of_sources(std::span<const std::vector<std::int32_t>> sources,
                                                              Index batch_size);
UNROLL_API TokenBatch batch_of_sources(std::span<const std::vector<std::int32_t>> sources, std::span<const Index> rows);
}  // namespace detail

/// The likeliest texts for each sequence of a batch: n-best lists in the batch's order, the best first, ids without the
/// end; see `beam_search`. The encoder reads the batch once, then the decoder goes from token to token with all texts
/// of all sources side by side; what is found for a source does not depend on the others. Memory does not grow with the
/// number of tokens, but by their ids. Throws std::invalid_argument for options out of range, a width above the
/// vocabulary's size among them, for a model whose `decode` calls a layer that reads its sequence from the end, and for
/// a coverage penalty or alignments where it calls no attention.
template <class M>
std::vector<std::vector<Hypothesis>> translate(const M& model, const typename M::Source& sources,
                                               const TranslateOptions& options = {}) {
  if constexpr (detail::assert_encoder_decoder<M>()) {
    std::vector<Index> lengths(static_cast<std::size_t>(sources.packing.batch()));
    for (Index j = 0; j < sources.packing.batch(); ++j)
      lengths[static_cast<std::size_t>(sources.packing.row(j))] = sources.packing.length(j);
    detail::Translations texts(lengths, options);
    if (lengths.empty()) return {};
    AttentionRecord looked;
    detail::DecoderStepper<M> stepper("translate", model, texts.looks() ? &looked : nullptr);
    stepper.read(sources);
    for (;;) {
      const auto& logits = stepper.step(texts.tokens(), texts.source_of());
      const bool goes_on = texts.extend(
          [&](Index column, std::vector<double>& to) {
            std::vector<double> of_column;
            detail::copy_logits(logits, column, of_column);
            detail::log_softmax(of_column, to);
          },
          looked);
      if (!goes_on) return texts.best();
      stepper.select(texts.rows());
    }
  } else {
    return {};
  }
}
/// Of sources of tokens, as `source_of_pair` gives them, in batches of similar length. Throws for one without a token.
template <class M>
std::vector<std::vector<Hypothesis>> translate(const M& model, std::span<const std::vector<std::int32_t>> sources,
                                               const TranslateOptions& options = {}) {
  std::vector<std::vector<Hypothesis>> found(sources.size());
  for (const std::vector<Index>& rows : detail::batches_of_sources(sources, options.batch_size)) {
    auto of_batch = translate(model, detail::batch_of_sources(sources, rows), options);
    for (std::size_t k = 0; k < rows.size(); ++k) found[static_cast<std::size_t>(rows[k])] = std::move(of_batch[k]);
  }
  return found;
}
template <class M>
std::vector<Hypothesis> translate(const M& model, std::span<const std::int32_t> source,
                                  const TranslateOptions& options = {}) {
  const std::vector<std::vector<std::int32_t>> one{{source.begin(), source.end()}};
  return translate(model, std::span(one), options).front();
}

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/train/translate.ipp>
#endif
