// How files of word vectors are read: format and limits.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>

#include <unroll/core/config.hpp>
#include <unroll/data/byte_source.hpp>

namespace unroll::inline UNROLL_ABI {

enum class WordVectorFormat : std::uint8_t {
  glove,            ///< a line a word: the word and its numbers, between spaces
  word2vec,         ///< the same behind a line `words numbers`: text of word2vec, .vec of fastText
  word2vec_binary,  ///< that line, then for each word its bytes, a space, and float32, little-endian
};

struct WordVectorOptions {
  /// None: recognized by the first bytes. Two whole numbers in the first line are those of word2vec, so a GloVe file of
  /// one number a word must be called one; what follows them is text if it looks like it.
  std::optional<WordVectorFormat> format{};
  FileReader read = read_plain_file;                  ///< `read_gzip_file` reads compressed files too
  Index limit = (std::numeric_limits<Index>::max)();  ///< the first so many words of the file only; no more is read
  Index max_width = 10'000;                           ///< wider vectors are an error
  std::uint64_t max_bytes = 8 * default_max_bytes;    ///< more words and vectors than that, in memory, are an error
  bool first_of_repeated = false;  ///< a word that is there again: its first vector counts; else it is an error
};

}  // namespace unroll::inline UNROLL_ABI
