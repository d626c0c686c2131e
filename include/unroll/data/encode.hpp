// Labelled texts to a data set of token ids, by the encoder that prediction uses too.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <unroll/data/dataset.hpp>
#include <unroll/data/readers.hpp>
#include <unroll/text/padder.hpp>
#include <unroll/text/vocabulary.hpp>

namespace unroll::inline UNROLL_ABI {

enum class Keep { first, last };

/// How a text that is too long is cut. By default none is: `encode(vocab, data)` gives what `vocab.encode` gives.
struct EncodeOptions {
  Index length = (std::numeric_limits<Index>::max)();  ///< tokens at most
  Keep keep = Keep::first;                             ///< which of them
};

/// How texts came out as ids: whether vocabulary and texts fit each other.
struct EncodeReport {
  Index texts = 0, empty = 0;     ///< sequences, and those of them without an id
  Index tokens = 0, unknown = 0;  ///< ids, and those of them that stand for unknown tokens

  /// Nothing or unknown tokens are what most texts, or most of their tokens, came to.
  bool mostly_unknown() const { return 2 * empty > texts || 2 * unknown > tokens; }
};
UNROLL_API EncodeReport encode_report(const TokenDataset& data);
/// How often each id of a vocabulary of this size occurs. Throws std::invalid_argument for another id.
UNROLL_API std::vector<Index> token_counts(const TokenDataset& data, Index vocabulary_size);

/// Texts to ids, one way for training and for prediction.
class Encoder {
 public:
  UNROLL_API explicit Encoder(Vocabulary vocabulary, EncodeOptions options = {});

  UNROLL_API std::vector<std::int32_t> operator()(std::string_view text) const;
  /// Into a vector whose memory is reused.
  UNROLL_API void encode(std::string_view text, std::vector<std::int32_t>& ids) const;
  /// The ids of every text and their labels. A text without tokens is an empty sequence. Throws std::invalid_argument
  /// for texts that are all without tokens, though not all empty, and where labels and texts do not fit each other;
  /// `encode_report` tells of the rest.
  UNROLL_API TokenDataset operator()(const LabelledTexts& data) const;

  const Vocabulary& vocabulary() const { return vocabulary_; }
  const EncodeOptions& options() const { return options_; }

  /// The options as text, for the metadata of a model file, and back. Throws FormatError naming `source`.
  UNROLL_API std::map<std::string, std::string> metadata() const;
  UNROLL_API static Encoder from_metadata(Vocabulary vocabulary, const std::map<std::string, std::string>& metadata,
                                          std::string_view source);

 private:
  Vocabulary vocabulary_;
  EncodeOptions options_;
};

/// `encode(vocab, read_labelled_text("reviews.tsv"), {.length = 200})`
UNROLL_API TokenDataset encode(const Vocabulary& vocabulary, const LabelledTexts& data,
                               const EncodeOptions& options = {});

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/data/encode.ipp>
#endif
