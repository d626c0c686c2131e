// Pairs of token sequences, a source and what is to be written for it: what an encoder-decoder model learns from.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include <unroll/data/dataset.hpp>
#include <unroll/layer/batch.hpp>
#include <unroll/text/text_encoding.hpp>

namespace unroll::inline UNROLL_ABI {

/// How a pair x, y is shown to a model: x to its encoder, begin y_1 .. y_n to its decoder, which is to say
/// y_1 .. y_n end.
struct PairOptions {
  std::int32_t begin = TextEncoding::bos, end = TextEncoding::eos;
  bool source_end = false;      ///< x ends with `end`, too
  bool reverse_source = false;  ///< x from its last token to its first, Sutskever et al. 2014
};

/// A source as the options say: what training reads and translation has to read.
UNROLL_API std::vector<std::int32_t> source_of_pair(std::span<const std::int32_t> ids, const PairOptions& options);

/// Pairs for a model of Inputs<TokenBatch, TokenBatch>, the source and the target up to each of its tokens; the labels
/// are the tokens that follow. A batch of similar length is one of similar lengths of both together.
class PairDataset {
 public:
  using Batch = Inputs<TokenBatch, TokenBatch>;

  PairDataset() = default;
  /// Without begin and end. Throws std::invalid_argument with its number for a pair that has an empty side or a token
  /// that marks a begin or an end, and where there are not as many targets as sources.
  UNROLL_API PairDataset(const std::vector<std::vector<std::int32_t>>& sources,
                         const std::vector<std::vector<std::int32_t>>& targets, const PairOptions& options = {});

  Index size() const { return sources_.size(); }
  /// Tokens of both, marks included.
  Index length(Index k) const { return sources_.length(k) + inputs_.length(k); }
  /// As the model sees it.
  std::span<const std::int32_t> source(Index k) const { return sources_[k]; }
  /// Without marks.
  std::span<const std::int32_t> target(Index k) const { return inputs_[k].subspan(1); }
  /// Labels, all targets with their ends.
  Index labels() const { return inputs_.steps(); }
  const PairOptions& options() const { return options_; }

  UNROLL_API void fill(std::span<const Index> rows, Batch& batch) const;
  template <class T>
  UNROLL_API void fill_targets(std::span<const Index> rows, const Batch& batch, BatchTargets<T>& out) const;
  bool has_targets() const { return inputs_.has_targets(); }
  /// Weights of the pairs in the loss, 0 or more; none: 1 each.
  void set_sample_weights(std::vector<double> weights) { inputs_.set_sample_weights(std::move(weights)); }
  /// These pairs alone, in this order.
  UNROLL_API PairDataset select(std::span<const Index> rows) const;

 private:
  TokenDataset sources_, inputs_;
  PairOptions options_;
};

template <class T>
void PairDataset::fill_targets(std::span<const Index> rows, const Batch& batch, BatchTargets<T>& out) const {
  inputs_.fill_targets(rows, std::get<1>(batch.all).packing, out);
}

/// Texts and their translations. Throws as the constructor does; a text without tokens is an empty side.
UNROLL_API PairDataset encode_pairs(const TextEncoding& source, const TextEncoding& target,
                                    std::span<const std::string> sources, std::span<const std::string> targets,
                                    const PairOptions& options = {});

#define UNROLL_PAIR_DATASET_INSTANCES_OF(DECLARE, T) \
  DECLARE void PairDataset::fill_targets<T>(std::span<const Index>, const PairDataset::Batch&, BatchTargets<T>&) const;
#define UNROLL_PAIR_DATASET_INSTANCES(DECLARE)     \
  UNROLL_PAIR_DATASET_INSTANCES_OF(DECLARE, float) \
  UNROLL_PAIR_DATASET_INSTANCES_OF(DECLARE, double)
#if !UNROLL_HEADER_ONLY
UNROLL_PAIR_DATASET_INSTANCES(extern template)
#endif

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/data/pair_dataset.ipp>
#endif
