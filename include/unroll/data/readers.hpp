// Readers: labelled texts out of files and folders.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include <unroll/core/config.hpp>
#include <unroll/data/read_options.hpp>

namespace unroll::inline UNROLL_ABI {

/// Texts and their classes: text i belongs to the class label_names[labels[i]].
struct LabelledTexts {
  std::vector<std::string> texts;
  std::vector<Index> labels;
  std::vector<std::string> label_names;  ///< distinct, sorted: by value if all are integers, else by their bytes

  std::size_t size() const { return texts.size(); }
  bool operator==(const LabelledTexts&) const = default;
};

/// Reads labelled texts from
/// - a file of lines `label<TAB>text`. Lines end at '\n' alone (U+0085 and its like are part of a text), a '\r' before
///   it and a byte order mark are dropped. A label is any string but the empty one; a text may be empty, hold further
///   tabs, and need not be UTF-8 (the tokenizers see to that);
/// - a file of columns, tsv or csv, as the options say: `{.format = TextFormat::csv, .label = "stars", .text =
/// "review"}`.
///   All records have as many fields as the first;
/// - or a folder as the IMDB reviews come in (aclImdb/train): neg/*.txt and pos/*.txt, one text a file, kept as it is.
///   Files are taken in the order of the numbers their names begin with, neg and pos in turn (neg 0, pos 0, neg 1,
///   ...), so that any even `limit` is balanced; where one class has more files, its rest comes last. Label 0 is neg, 1
///   is pos.
///
/// Reads no further than `limit` and `max_bytes`; memory is linear in what is kept. Throws std::invalid_argument for
/// options that contradict each other; FormatError with path and line for a record without its fields or label, an
/// unknown label, a NUL byte, a first line that looks like the names of columns; with the path for what is missing, no
/// regular file, empty, compressed, UTF-16 or larger than `max_bytes`.
UNROLL_API LabelledTexts read_labelled_text(const std::filesystem::path& path, const ReadOptions& options = {});

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/data/readers.ipp>
#endif
