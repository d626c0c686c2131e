// Files in columns: a word a line with its tag, an empty line after each sentence.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <unroll/core/error.hpp>
#include <unroll/data/byte_source.hpp>

namespace unroll::inline UNROLL_ABI {

/// What a line is.
enum class ConllFormat : std::uint8_t {
  columns,  ///< of the shared tasks of 2000 to 2003: between spaces or tabs; a line `-DOCSTART-` is none
  conll_u   ///< of Universal Dependencies: ten between tabs; comments (#), words that several are written as (3-4) and
            ///< words that are not written (8.1) are left out
};

/// What becomes of a sentence with a tag that is not in `tag_names`.
enum class UnseenTag : std::uint8_t {
  error,         ///< FormatError with its line
  drop_sentence  ///< it is left out
};

struct ConllOptions {
  ConllFormat format = ConllFormat::columns;
  /// Columns from 0; below 0 from the last, which is -1. By default the first and the last, of CoNLL-U the second,
  /// which is the word's form, and the fourth, its part of speech (UPOS).
  std::optional<Index> word{}, tag{};
  /// The tags that there may be: those of the training set for a test set. Empty: any.
  std::vector<std::string> tag_names{};
  UnseenTag unseen = UnseenTag::error;
  Index limit = (std::numeric_limits<Index>::max)();  ///< the first so many sentences only; no more is read
  FileReader read = read_plain_file;                  ///< `read_gzip_file` reads compressed files too
  std::uint64_t max_bytes = default_max_bytes;        ///< more than that, unpacked, is an error
};

/// Words of sentences, and a tag for each of them.
struct TaggedSentences {
  std::vector<std::vector<std::string>> words, tags;

  std::size_t size() const { return words.size(); }
  /// The words of all sentences together.
  UNROLL_API Index word_count() const;
  /// Distinct tags, sorted by their bytes: the order in which `labels_from_strings` numbers them.
  UNROLL_API std::vector<std::string> tag_names() const;
  bool operator==(const TaggedSentences&) const = default;
};

/// Reads tagged sentences. Throws std::invalid_argument for options that contradict each other; FormatError with path
/// and line for a line without the columns asked for, an empty word or tag, a line of CoNLL-U that begins with no
/// number of a word, and an unseen tag; with the path where there is no sentence.
UNROLL_API TaggedSentences read_conll(const std::filesystem::path& path, const ConllOptions& options = {});

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/data/conll.ipp>
#endif
