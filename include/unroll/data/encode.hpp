// Labelled texts to a data set of token ids, by the encoder that prediction uses too.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
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
inline EncodeReport encode_report(const TokenDataset& data) {
  EncodeReport report{.texts = data.size(), .tokens = data.steps()};
  for (Index k = 0; k < data.size(); ++k) {
    report.empty += data.length(k) == 0;
    report.unknown += std::ranges::count(data[k], Vocabulary::oov);
  }
  return report;
}

/// Texts to ids, one way for training and for prediction.
class Encoder {
 public:
  explicit Encoder(Vocabulary vocabulary, EncodeOptions options = {})
      : vocabulary_(std::move(vocabulary)), options_(options) {
    require(options.length > 0, "Encoder: length is ", options.length, ", expected at least 1");
    require(options.keep == Keep::first || options.keep == Keep::last, "Encoder: keep is ",
            static_cast<int>(options.keep), ", expected first or last");
  }

  std::vector<std::int32_t> operator()(std::string_view text) const {
    std::vector<std::int32_t> ids;
    encode(text, ids);
    return ids;
  }
  /// Into a vector whose memory is reused.
  void encode(std::string_view text, std::vector<std::int32_t>& ids) const {
    vocabulary_.encode(text, ids);
    const auto length = static_cast<std::size_t>(options_.length);
    if (ids.size() <= length) return;
    if (options_.keep == Keep::last) ids.erase(ids.begin(), ids.end() - static_cast<std::ptrdiff_t>(length));
    ids.resize(length);
  }
  /// The ids of every text and their labels. A text without tokens is an empty sequence. Throws std::invalid_argument
  /// for texts that are all without tokens, though not all empty, and where labels and texts do not fit each other;
  /// `encode_report` tells of the rest.
  TokenDataset operator()(const LabelledTexts& data) const {
    require(data.labels.size() == data.texts.size(), "Encoder: ", data.labels.size(), " labels for ", data.texts.size(),
            " texts");
    std::vector<std::vector<std::int32_t>> sequences;
    sequences.reserve(data.texts.size());
    for (const std::string& text : data.texts) sequences.push_back((*this)(text));
    const auto is_empty = [](const auto& range) { return range.empty(); };
    require(!std::ranges::all_of(sequences, is_empty) || std::ranges::all_of(data.texts, is_empty),
            "Encoder: the tokenizer '", vocabulary_.tokenizer().name(), "' finds no token in ", data.texts.size(),
            " texts: are they in another language than those of the vocabulary?");
    return TokenDataset(sequences, Targets(data.labels, data.label_names));
  }

  const Vocabulary& vocabulary() const { return vocabulary_; }
  const EncodeOptions& options() const { return options_; }

  /// The options as text, for the metadata of a model file, and back. Throws FormatError naming `source`.
  std::map<std::string, std::string> metadata() const {
    return {{"encoder.length", concat(options_.length)},
            {"encoder.keep", options_.keep == Keep::first ? "first" : "last"}};
  }
  static Encoder from_metadata(Vocabulary vocabulary, const std::map<std::string, std::string>& metadata,
                               std::string_view source) {
    const auto value = [&](const char* key) -> const std::string& {
      const auto found = metadata.find(key);
      require<FormatError>(found != metadata.end(), source, ": no metadata '", key, "'");
      return found->second;
    };
    EncodeOptions options;
    const std::string &length = value("encoder.length"), &keep = value("encoder.keep");
    const auto [end, error] = std::from_chars(length.data(), length.data() + length.size(), options.length);
    require<FormatError>(error == std::errc() && end == length.data() + length.size() && options.length > 0, source,
                         ": metadata 'encoder.length' is '", length, "', expected a number above 0");
    require<FormatError>(keep == "first" || keep == "last", source, ": metadata 'encoder.keep' is '", keep,
                         "', expected first or last");
    options.keep = keep == "first" ? Keep::first : Keep::last;
    return Encoder(std::move(vocabulary), options);
  }

 private:
  Vocabulary vocabulary_;
  EncodeOptions options_;
};

/// `encode(vocab, read_labelled_text("reviews.tsv"), {.length = 200})`
inline TokenDataset encode(const Vocabulary& vocabulary, const LabelledTexts& data, const EncodeOptions& options = {}) {
  return Encoder(vocabulary, options)(data);
}

}  // namespace unroll::inline UNROLL_ABI
