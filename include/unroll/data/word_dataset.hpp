// Sentences as words and as the characters of their words: what a tagger learns from.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <unroll/data/conll.hpp>
#include <unroll/data/dataset.hpp>
#include <unroll/layer/batch.hpp>
#include <unroll/text/word_encoding.hpp>

namespace unroll::inline UNROLL_ABI {

/// Sentences for a model of Inputs<TokenBatch, TokenBatch>, words and characters, whose second part begins with a
/// CharacterEmbedding. The targets are those of the words.
class WordDataset {
 public:
  using Batch = Inputs<TokenBatch, TokenBatch>;

  WordDataset() = default;
  /// Throws std::invalid_argument where targets and sentences do not fit each other.
  UNROLL_API WordDataset(const WordEncoding& encoding, std::span<const std::vector<std::string>> sentences,
                         Targets targets = {});

  Index size() const { return words_.size(); }
  /// Words.
  Index length(Index k) const { return words_.length(k); }
  const TokenDataset& words() const { return words_; }
  /// 0 behind each word.
  const TokenDataset& characters() const { return characters_; }

  bool has_targets() const { return words_.has_targets(); }
  const std::vector<std::string>& label_names() const { return words_.label_names(); }
  /// Weights of the sentences in the loss, 0 or more; none: 1 each.
  void set_sample_weights(std::vector<double> weights) { words_.set_sample_weights(std::move(weights)); }

  UNROLL_API void fill(std::span<const Index> rows, Batch& batch) const;
  template <class T>
  UNROLL_API void fill_targets(std::span<const Index> rows, const Batch& batch, BatchTargets<T>& out) const;
  /// These sentences alone, in this order.
  UNROLL_API WordDataset select(std::span<const Index> rows) const;

 private:
  TokenDataset words_, characters_;
};

template <class T>
void WordDataset::fill_targets(std::span<const Index> rows, const Batch& batch, BatchTargets<T>& out) const {
  words_.fill_targets(rows, std::get<0>(batch.all).packing, out);
}

/// Tagged sentences, each tag as its place in `tag_names`. Throws std::invalid_argument for a tag that is not there.
UNROLL_API WordDataset encode_words(const WordEncoding& encoding, const TaggedSentences& sentences,
                                    const std::vector<std::string>& tag_names);

#define UNROLL_WORD_DATASET_INSTANCES_OF(DECLARE, T) \
  DECLARE void WordDataset::fill_targets<T>(std::span<const Index>, const WordDataset::Batch&, BatchTargets<T>&) const;
#define UNROLL_WORD_DATASET_INSTANCES(DECLARE)     \
  UNROLL_WORD_DATASET_INSTANCES_OF(DECLARE, float) \
  UNROLL_WORD_DATASET_INSTANCES_OF(DECLARE, double)
#if !UNROLL_HEADER_ONLY
UNROLL_WORD_DATASET_INSTANCES(extern template)
#endif

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/data/word_dataset.ipp>
#endif
