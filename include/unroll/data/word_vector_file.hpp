// Word vectors in files of GloVe, word2vec and fastText.
#pragma once

#include <filesystem>

#include <unroll/core/config.hpp>
#include <unroll/data/word_vector_options.hpp>
#include <unroll/data/word_vectors.hpp>
#include <unroll/text/vocabulary.hpp>

namespace unroll::inline UNROLL_ABI {

/// Reads all words of a file, block by block. Memory is linear in what is kept, whatever the file says of its size.
///
/// - A line ends at '\n'; spaces, tabs and '\r' before it are dropped, so is a byte order mark. The first line says how
///   many numbers all have. A word may hold spaces (". . ." and "at name@domain.com" do in a well-known file), if none
///   of its parts behind the first is a number.
/// - In a binary file a '\n' may stand before a word. A word is any bytes but spaces, 64 KiB at most.
///
/// Throws std::invalid_argument for options out of range; FormatError with path and line, or path and number of the
/// word where it is binary, for a line of another width, what is not a finite number, no or a repeated word, fewer or
/// more words than the first line says; with the path for what `read_labelled_text` refuses.
UNROLL_API WordVectors read_word_vectors(const std::filesystem::path& path, const WordVectorOptions& options = {});

/// Those of a vocabulary only, its tokens as they stand and in lower case, which is what `fill_embedding` asks for: of
/// a file of gigabytes it keeps megabytes. Of other words it looks at the width alone. Throws FormatError also where
/// the file has none of them.
UNROLL_API WordVectors read_word_vectors(const std::filesystem::path& path, const Vocabulary& vocabulary,
                                         const WordVectorOptions& options = {});

/// Writes a file of word2vec's text, numbers as short as they can be and read back the same, or of its binary format:
/// see `replace_file` for what happens to an old one and on errors. The file is made in memory. Throws
/// std::invalid_argument for no words, for a word that the format cannot hold (one with a space or '\n', in text also
/// one with a tab or '\r'; one longer than 64 KiB), and for `glove`.
UNROLL_API void save_word_vectors(const std::filesystem::path& path, const WordVectors& vectors,
                                  WordVectorFormat format = WordVectorFormat::word2vec);

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/data/word_vector_file.ipp>
#endif
