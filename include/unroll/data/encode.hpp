// Labelled texts to a data set of token ids, by the encoder that prediction uses too.
#pragma once

#include <map>
#include <utility>

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

/// Texts to ids, one way for training and for prediction.
class Encoder {
 public:
  explicit Encoder(Vocabulary vocabulary, EncodeOptions options = {})
      : vocabulary_(std::move(vocabulary)), options_(options) {
    require(options.length > 0, "Encoder: length is ", options.length, ", expected at least 1");
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
  /// The ids of every text and their labels. A text without tokens is an empty sequence.
  TokenDataset operator()(const LabelledTexts& data) const {
    std::vector<std::vector<std::int32_t>> sequences;
    sequences.reserve(data.texts.size());
    for (const std::string& text : data.texts) sequences.push_back((*this)(text));
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
