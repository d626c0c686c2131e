// Reader: sequences of token ids out of files.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <unroll/data/dataset.hpp>
#include <unroll/data/readers.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
/// Numbers between spaces.
inline std::vector<std::int32_t> read_ids(std::string_view line, Index vocabulary_size, const std::string& name,
                                          Index number) {
  std::vector<std::int32_t> ids;
  for (;;) {
    line.remove_prefix((std::min)(line.find_first_not_of(' '), line.size()));
    if (line.empty()) return ids;
    const std::string_view word = line.substr(0, line.find(' '));
    line.remove_prefix(word.size());
    std::int64_t id = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), id);
    require<FormatError>(error != std::errc::invalid_argument && end == word.data() + word.size(), name, ":", number,
                         ": '", word, "' is not a token id");
    require<FormatError>(error == std::errc() && id >= 0 && id < vocabulary_size, name, ":", number, ": token id ",
                         word, ", expected 0 to ", vocabulary_size - 1);
    ids.push_back(static_cast<std::int32_t>(id));
  }
}
}  // namespace detail

/// Reads sequences of token ids of a vocabulary of this size from a file of lines `label<TAB>3 14 15`, or, if its first
/// line has no tab, of lines `3 14 15`. A sequence may be empty. Labels, ends of lines and options are those of
/// `read_labelled_text`.
///
/// Throws FormatError with path and line for an id outside of the vocabulary, what is not a number, and all that
/// `read_labelled_text` refuses.
inline TokenDataset read_token_ids(const std::filesystem::path& path, Index vocabulary_size,
                                   const ReadOptions& options = {}) {
  require(options.limit > 0, "read_token_ids: limit is ", options.limit, ", expected at least 1");
  require(vocabulary_size > 0 && vocabulary_size <= (std::numeric_limits<std::int32_t>::max)(),
          "read_token_ids: the size of the vocabulary is ", vocabulary_size);
  const std::string name = path.string();
  detail::LabelNumbers numbers(options.label_names);
  std::vector<std::vector<std::int32_t>> sequences;
  std::vector<Index> labels;
  bool labelled = false;
  detail::for_each_line(path, options, [&](std::string_view line, Index number) {
    if (number == 1) labelled = line.find('\t') != std::string_view::npos;
    if (labelled) labels.push_back(detail::take_label(line, numbers, name, number, "ids"));
    sequences.push_back(detail::read_ids(line, vocabulary_size, name, number));
  });
  if (!labelled) return TokenDataset(sequences);
  std::vector<std::string> names = numbers.finish(labels);
  return TokenDataset(sequences, Targets(std::move(labels), std::move(names)));
}

}  // namespace unroll::inline UNROLL_ABI
