// Whether a tokenizer and texts fit each other.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include <unroll/core/error.hpp>
#include <unroll/text/tokenizer.hpp>

namespace unroll::inline UNROLL_ABI::detail {

/// What a tokenizer left of texts, to tell a vocabulary that is no use from one that is small.
class TokenizedTexts {
 public:
  explicit TokenizedTexts(const Tokenizer& tokenizer) : tokenizer_(tokenizer) {}

  void add(std::string_view text) {
    ++texts_;
    bytes_ += text.size();
    std::size_t at = 0;
    for (std::uint64_t word; at + 8 <= text.size(); at += 8) {
      std::memcpy(&word, text.data() + at, 8);
      beyond_ascii_ += static_cast<std::uint64_t>(std::popcount(word & 0x8080808080808080u));
    }
    for (; at < text.size(); ++at) beyond_ascii_ += static_cast<unsigned char>(text[at]) >= 0x80;
  }
  /// Throws std::invalid_argument where there is no token, or most of the texts is letters that the tokenizer deletes.
  void check(bool has_tokens) const {
    const bool foreign = tokenizer_.kind() == TokenizerKind::article && beyond_ascii_ > bytes_ / 2;
    require(has_tokens && !foreign, "Vocabulary: the tokenizer '", tokenizer_.name(),
            has_tokens ? "' deletes most of " : "' finds no token in ", texts_, " texts",
            foreign ? ": it knows the letters a to z alone; {.tokenizer = UnicodeWordTokenizer{}} knows all" : "");
  }

 private:
  const Tokenizer& tokenizer_;
  std::uint64_t texts_ = 0, bytes_ = 0, beyond_ascii_ = 0;
};

}  // namespace unroll::inline UNROLL_ABI::detail
