// A vocabulary as a text file.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <unroll/text/tokenizer.hpp>
#include <unroll/text/vocabulary.hpp>

namespace unroll::inline UNROLL_ABI {

// The file is UTF-8. Its first line is `unroll-vocabulary 1 article 20000`: format version, tokenizer, number of tokens
// (so that a file cut short is noticed). Then one token a line in the order of the ids, `<PAD>` and `<OOV>` first.
// Tokens of characters may be what a line cannot hold: line feed, carriage return, NUL and backslash are \n, \r, \0 and
// \\.

/// Writes the vocabulary to a file: see `replace_file` for what happens to an old one and on errors.
UNROLL_API void save_vocabulary(const std::filesystem::path& path, const Vocabulary& vocabulary);

/// The vocabulary of a file that `save_vocabulary` wrote; `known` are tokenizers of the user's own that it may name.
/// Lines may end in CRLF. Throws FormatError naming the file and the line or the token for anything else.
UNROLL_API Vocabulary load_vocabulary(const std::filesystem::path& path, const std::vector<Tokenizer>& known = {});

/// What these files hold, and back; `source` is what errors name in a file's place.
UNROLL_API std::string vocabulary_text(const Vocabulary& vocabulary);
UNROLL_API Vocabulary vocabulary_from_text(std::string_view text, std::string_view source,
                                           const std::vector<Tokenizer>& known = {});

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/text/vocabulary_file.ipp>
#endif
