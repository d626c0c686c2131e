// Bodies of data/word_vector_file.hpp.
#pragma once

#include <array>
#include <bit>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include <unroll/core/error.hpp>
#include <unroll/core/range.hpp>
#include <unroll/data/word_vector_file.hpp>
#include <unroll/data/word_vector_reader.hpp>
#include <unroll/file/replace_file.hpp>
#include <unroll/text/lower_case.hpp>
#include <unroll/text/token_table.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {

inline void check_vector_options(const WordVectorOptions& options) {
  require_at_least("read_word_vectors", "limit", options.limit, 1);
  require(options.max_width >= 1 && options.max_width <= 1'000'000, "read_word_vectors: max_width is ",
          options.max_width, ", expected 1 to 1000000");
  require(!options.format || *options.format <= WordVectorFormat::word2vec_binary, "read_word_vectors: format ",
          options.format ? static_cast<int>(*options.format) : 0, ", expected glove, word2vec or word2vec_binary");
}

inline void append_float(std::string& to, float x) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), x);
  to.append(text.data(), end.ptr);
}
/// Little-endian, as `float_of` reads it.
inline void append_bytes(std::string& to, float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  for (int shift = 0; shift < 32; shift += 8) to += static_cast<char>(bits >> shift & 0xFF);
}

}  // namespace detail

UNROLL_FUNCTION WordVectors read_word_vectors(const std::filesystem::path& path, const WordVectorOptions& options) {
  detail::check_vector_options(options);
  return detail::WordVectorReader(path, options, nullptr).read();
}
UNROLL_FUNCTION WordVectors read_word_vectors(const std::filesystem::path& path, const Vocabulary& vocabulary,
                                              const WordVectorOptions& options) {
  detail::check_vector_options(options);
  TokenTable wanted;
  for (const std::string& token : vocabulary.tokens()) {
    wanted.insert(std::string_view(token));
    wanted.insert(std::string_view(lower_case(token)));
  }
  return detail::WordVectorReader(path, options, &wanted).read();
}

UNROLL_FUNCTION void save_word_vectors(const std::filesystem::path& path, const WordVectors& vectors,
                                       WordVectorFormat format) {
  const bool binary = format == WordVectorFormat::word2vec_binary;
  require(binary || format == WordVectorFormat::word2vec, "save_word_vectors: format ", static_cast<int>(format),
          ", expected word2vec or word2vec_binary");
  require(vectors.size() > 0, "save_word_vectors: there are no words");
  std::string bytes = concat_text(vectors.size(), ' ', vectors.width(), '\n');
  const std::string_view separators = binary ? " \n" : " \n\t\r";
  for (Index k = 0; k < vectors.size(); ++k) {
    const std::string_view word = vectors.word(k);
    require(word.find_first_of(separators) == std::string_view::npos && word.size() <= detail::most_of_word,
            "save_word_vectors: the word ", detail::quote_word(word),
            " has white space, or is too long, which the format cannot hold");
    bytes += word;
    if (binary) bytes += ' ';
    for (const float x : vectors.vectors().col(k)) {
      if (binary) {
        detail::append_bytes(bytes, x);
      } else {
        bytes += ' ';
        detail::append_float(bytes, x);
      }
    }
    bytes += '\n';
  }
  replace_file(path, std::as_bytes(std::span(bytes)));
}

}  // namespace unroll::inline UNROLL_ABI
