// Bodies of data/encode.hpp.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <system_error>
#include <utility>

#include <unroll/core/error.hpp>
#include <unroll/core/range.hpp>
#include <unroll/data/encode.hpp>

namespace unroll::inline UNROLL_ABI {

UNROLL_FUNCTION EncodeReport encode_report(const TokenDataset& data) {
  EncodeReport report{.texts = data.size(), .tokens = data.steps()};
  for (Index k = 0; k < data.size(); ++k) {
    report.empty += data.length(k) == 0;
    report.unknown += std::ranges::count(data[k], Vocabulary::oov);
  }
  return report;
}
UNROLL_FUNCTION std::vector<Index> token_counts(const TokenDataset& data, Index vocabulary_size) {
  detail::require_at_least("token_counts", "the size of the vocabulary", vocabulary_size, 1);
  std::vector<Index> counts(static_cast<std::size_t>(vocabulary_size));
  for (Index k = 0; k < data.size(); ++k)
    for (const std::int32_t id : data[k]) {
      detail::require_index("token_counts", "token id", id, vocabulary_size);
      ++counts[static_cast<std::size_t>(id)];
    }
  return counts;
}

UNROLL_FUNCTION Encoder::Encoder(Vocabulary vocabulary, EncodeOptions options)
    : vocabulary_(std::move(vocabulary)), options_(options) {
  require(options.length > 0, "Encoder: length is ", options.length, ", expected at least 1");
  require(options.keep == Keep::first || options.keep == Keep::last, "Encoder: keep is ",
          static_cast<int>(options.keep), ", expected first or last");
}

UNROLL_FUNCTION std::vector<std::int32_t> Encoder::operator()(std::string_view text) const {
  std::vector<std::int32_t> ids;
  encode(text, ids);
  return ids;
}
UNROLL_FUNCTION void Encoder::encode(std::string_view text, std::vector<std::int32_t>& ids) const {
  vocabulary_.encode(text, ids);
  const auto length = static_cast<std::size_t>(options_.length);
  if (ids.size() <= length) return;
  if (options_.keep == Keep::last) ids.erase(ids.begin(), ids.end() - static_cast<std::ptrdiff_t>(length));
  ids.resize(length);
}
UNROLL_FUNCTION TokenDataset Encoder::operator()(const LabelledTexts& data) const {
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

UNROLL_FUNCTION std::map<std::string, std::string> Encoder::metadata() const {
  return {{"encoder.length", concat_text(options_.length)},
          {"encoder.keep", options_.keep == Keep::first ? "first" : "last"}};
}
UNROLL_FUNCTION Encoder Encoder::from_metadata(Vocabulary vocabulary,
                                               const std::map<std::string, std::string>& metadata,
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

UNROLL_FUNCTION TokenDataset encode(const Vocabulary& vocabulary, const LabelledTexts& data,
                                    const EncodeOptions& options) {
  return Encoder(vocabulary, options)(data);
}

}  // namespace unroll::inline UNROLL_ABI
