// Bodies of data/word_vectors.hpp.
#pragma once

#include <cstdint>
#include <utility>

#include <unroll/core/finite.hpp>
#include <unroll/core/range.hpp>
#include <unroll/core/utf8.hpp>
#include <unroll/data/word_vectors.hpp>
#include <unroll/file/nearest_names.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
UNROLL_FUNCTION std::string quote_word(std::string_view word) { return replace_invalid_utf8(quote(word)); }

inline TokenTable distinct(const std::vector<std::string>& words) {
  TokenTable table;
  for (const std::string& word : words) {
    const std::size_t before = table.size();
    table.insert(std::string_view(word));
    require(table.size() > before, "WordVectors: the word ", quote_word(word), " is there twice");
  }
  return table;
}
}  // namespace detail

UNROLL_FUNCTION WordVectors::WordVectors(const std::vector<std::string>& words, Matrix<float> vectors)
    : WordVectors(detail::distinct(words), std::move(vectors)) {}
UNROLL_FUNCTION WordVectors::WordVectors(TokenTable words, Matrix<float> vectors)
    : words_(std::move(words)), vectors_(std::move(vectors)) {
  check();
}
UNROLL_FUNCTION void WordVectors::check() const {
  require(words_.size() == static_cast<std::size_t>(size()), "WordVectors: ", words_.size(), " words for ", size(),
          " vectors");
  require(size() > 0 && width() > 0, "WordVectors: ", size(), " words of ", width(),
          " numbers, expected at least 1 of each");
  require(words_.find(std::string_view()) == TokenTable::not_found, "WordVectors: a word is empty");
  const Index bad = detail::find_not_finite(vectors_.data(), vectors_.size());
  if (bad >= 0)
    fail("WordVectors: number ", bad % width() + 1, " of ", detail::quote_word(word(bad / width())), " is not finite");
}

UNROLL_FUNCTION Index WordVectors::find(std::string_view word) const { return words_.find(word); }
UNROLL_FUNCTION std::string_view WordVectors::word(Index column) const {
  detail::require_index("WordVectors", "column", column, size());
  return words_[static_cast<std::int32_t>(column)];
}
UNROLL_FUNCTION Index WordVectors::column(std::string_view word) const {
  const Index found = find(word);
  require(found != not_found, "WordVectors: there is no word ", detail::quote_word(word));
  return found;
}

}  // namespace unroll::inline UNROLL_ABI
