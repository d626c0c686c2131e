// Bodies of text/tokenizer.hpp.
#pragma once

#include <algorithm>
#include <array>

#include <unroll/core/error.hpp>
#include <unroll/core/utf8.hpp>
#include <unroll/text/tokenizer.hpp>

namespace unroll::inline UNROLL_ABI {

struct Tokenizer::Custom {
  std::string name, separator;
  Call call;
};

namespace detail {
inline constexpr std::array built_in_tokenizers{TokenizerKind::article, TokenizerKind::whitespace,
                                                TokenizerKind::characters, TokenizerKind::unicode_words};
}  // namespace detail

UNROLL_FUNCTION Tokenizer::Tokenizer(TokenizerKind kind) : kind_(kind) {
  require(kind < TokenizerKind::custom, "Tokenizer: kind ", static_cast<int>(kind),
          ", expected article, whitespace, characters or unicode_words");
}

UNROLL_FUNCTION void Tokenizer::set_custom(std::string name, std::string separator, Call call) {
  require(call != nullptr, "Tokenizer: '", name, "' has a null function");
  require(!name.empty() && std::ranges::all_of(name, [](char c) { return c > ' ' && c < 0x7F; }), "Tokenizer: name '",
          name, "', expected visible ASCII characters");
  for (const TokenizerKind kind : detail::built_in_tokenizers)
    require(Tokenizer(kind).name() != name, "Tokenizer: the library has a tokenizer '", name, "' already");
  custom_ = std::make_shared<const Custom>(Custom{std::move(name), std::move(separator), std::move(call)});
}

UNROLL_FUNCTION bool Tokenizer::find(std::string_view name, const std::vector<Tokenizer>& known, Tokenizer& found) {
  for (const TokenizerKind kind : detail::built_in_tokenizers)
    if (Tokenizer(kind).name() == name) {
      found = kind;
      return true;
    }
  for (const Tokenizer& tokenizer : known)
    if (tokenizer.name() == name) {
      found = tokenizer;
      return true;
    }
  return false;
}
UNROLL_FUNCTION std::string Tokenizer::unknown_name(std::string_view name) {
  return concat_text(": tokenizer '", name, "', expected ", WordTokenizer::name, ", ", UnicodeWordTokenizer::name, ", ",
                     WhitespaceTokenizer::name, ", ", CharacterTokenizer::name,
                     " or one that is passed to what loads, as its last argument");
}

UNROLL_FUNCTION std::string_view Tokenizer::name() const {
  if (custom_) return custom_->name;
  switch (kind_) {
    case TokenizerKind::whitespace:
      return WhitespaceTokenizer::name;
    case TokenizerKind::characters:
      return CharacterTokenizer::name;
    case TokenizerKind::unicode_words:
      return UnicodeWordTokenizer::name;
    case TokenizerKind::article:
    case TokenizerKind::custom:
      break;
  }
  return WordTokenizer::name;
}
UNROLL_FUNCTION std::string_view Tokenizer::separator() const {
  return custom_ ? std::string_view(custom_->separator) : kind_ == TokenizerKind::characters ? "" : " ";
}

UNROLL_FUNCTION void Tokenizer::call_custom(std::string_view text, FunctionRef<const Token&> on_token) const {
  custom_->call(text, [&](std::string_view token) {
    require(!token.empty() && is_valid_utf8(token), "Tokenizer: '", custom_->name,
            "' gave a token that is empty or not UTF-8");
    on_token(Token(token));
  });
}
UNROLL_FUNCTION detail::TokenBuffer Tokenizer::write(std::string_view text) const {
  switch (kind_) {
    case TokenizerKind::whitespace:
      return WhitespaceTokenizer::write(text);
    case TokenizerKind::unicode_words:
      return UnicodeWordTokenizer::write(text);
    case TokenizerKind::article:
    case TokenizerKind::characters:
    case TokenizerKind::custom:
      break;
  }
  return WordTokenizer::write(text);
}
UNROLL_FUNCTION std::vector<std::string> Tokenizer::tokenize(std::string_view text) const {
  return detail::collect_tokens(*this, text);
}

}  // namespace unroll::inline UNROLL_ABI
