// Bodies of data/token_files.hpp.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <unroll/core/error.hpp>
#include <unroll/data/label_numbers.hpp>
#include <unroll/data/records.hpp>
#include <unroll/data/token_files.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
/// Numbers between spaces.
inline std::vector<std::int32_t> read_ids(std::string_view line, Index vocabulary_size, const Records& records) {
  std::vector<std::int32_t> ids;
  for (;;) {
    line.remove_prefix((std::min)(line.find_first_not_of(' '), line.size()));
    if (line.empty()) return ids;
    const std::string_view word = line.substr(0, line.find(' '));
    line.remove_prefix(word.size());
    std::int64_t id = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), id);
    if (error == std::errc::invalid_argument || end != word.data() + word.size())
      records.refuse("'", word, "' is not a token id");
    if (error != std::errc() || id < 0 || id >= vocabulary_size)
      records.refuse("token id ", word, ", expected 0 to ", vocabulary_size - 1);
    ids.push_back(static_cast<std::int32_t>(id));
  }
}
}  // namespace detail

UNROLL_FUNCTION TokenDataset read_token_ids(const std::filesystem::path& path, Index vocabulary_size,
                                            const ReadOptions& options) {
  detail::check(options, "read_token_ids");
  require(options.format == TextFormat::label_text, "read_token_ids: the format is tsv or csv, expected label_text");
  require(vocabulary_size > 0 && vocabulary_size <= (std::numeric_limits<std::int32_t>::max)(),
          "read_token_ids: the size of the vocabulary is ", vocabulary_size, ", expected 1 to ",
          (std::numeric_limits<std::int32_t>::max)());
  detail::LabelNumbers numbers(options.label_names);
  std::vector<std::vector<std::int32_t>> sequences;
  std::vector<Index> labels;
  detail::Records records(path, options);
  const auto skip = [](Index, std::string_view) {};
  if (detail::has_header(options)) records.next(skip);
  bool labelled = false;
  while (static_cast<Index>(sequences.size()) < options.limit && records.next(skip) > 0) {
    std::string_view ids = records.text();
    const std::size_t tab = ids.find('\t');
    if (sequences.empty()) labelled = tab != std::string_view::npos;
    if (labelled) {
      if (tab == std::string_view::npos) records.refuse("no tab, expected label<TAB>ids");
      if (tab == 0) records.refuse("no label before the tab");
      labels.push_back(numbers(ids.substr(0, tab)));
      if (labels.back() < 0) records.refuse("unknown label '", ids.substr(0, tab), "'");
      ids.remove_prefix(tab + 1);
    }
    sequences.push_back(detail::read_ids(ids, vocabulary_size, records));
  }
  require<FormatError>(!sequences.empty(), path.string(), ": has no sequences");
  if (!labelled) return TokenDataset(sequences);
  std::vector<std::string> names = numbers.finish(labels);
  return TokenDataset(sequences, Targets(std::move(labels), std::move(names)));
}

}  // namespace unroll::inline UNROLL_ABI
