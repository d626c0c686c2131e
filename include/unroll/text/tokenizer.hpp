// The tokenizer of a vocabulary: one of the library's or one of the user's own, chosen at run time.
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <unroll/core/error.hpp>
#include <unroll/core/function_ref.hpp>
#include <unroll/text/basic_tokenizers.hpp>
#include <unroll/text/token.hpp>
#include <unroll/text/unicode_words.hpp>
#include <unroll/text/utf8.hpp>

namespace unroll::inline UNROLL_ABI {

/// A tokenizer of the user's own: `tokenizer(text, on_token)` calls on_token(std::string_view) with each token in turn,
/// not empty and in UTF-8, and `tokenizer.name` is what files call it. It may have a `separator`.
template <class T>
concept CustomTokenizer = requires(const T& tokenizer, std::string_view text, FunctionRef<std::string_view> on_token) {
  { tokenizer.name } -> std::convertible_to<std::string_view>;
  tokenizer(text, on_token);
} && std::copy_constructible<T>;

enum class TokenizerKind : std::uint8_t { article, whitespace, characters, unicode_words, custom };

/// One of the library's tokenizers or of the user's own: what a vocabulary holds and a file names. A value; copies
/// share a tokenizer of the user's own, and two of those are equal if their names are.
class Tokenizer {
 public:
  Tokenizer() = default;
  /// Throws std::invalid_argument for `custom` and what is no kind.
  Tokenizer(TokenizerKind kind) : kind_(kind) {
    require(kind < TokenizerKind::custom, "Tokenizer: kind ", static_cast<int>(kind),
            ", expected article, whitespace, characters or unicode_words");
  }
  Tokenizer(WordTokenizer) : kind_(TokenizerKind::article) {}
  Tokenizer(WhitespaceTokenizer) : kind_(TokenizerKind::whitespace) {}
  Tokenizer(CharacterTokenizer) : kind_(TokenizerKind::characters) {}
  Tokenizer(UnicodeWordTokenizer) : kind_(TokenizerKind::unicode_words) {}
  template <class T> requires(!std::same_as<T, Tokenizer> && CustomTokenizer<T>)
  Tokenizer(T tokenizer)
      : Tokenizer(std::string(std::string_view(tokenizer.name)), tokenizer, separator_of(tokenizer)) {}

  /// One of the user's own: function(text, on_token) calls on_token(std::string_view) with each token in turn; threads
  /// may call it at the same time. The name finds it again when a file is loaded; the separator joins tokens to a text.
  /// Throws std::invalid_argument for a null function and for a name that is one of the library's or is not made of
  /// visible ASCII characters; where it is used, for a token that is empty or not UTF-8.
  template <std::copy_constructible Function>
  requires std::invocable<const Function&, std::string_view, FunctionRef<std::string_view>>
  Tokenizer(std::string name, Function function, std::string separator = " ") : kind_(TokenizerKind::custom) {
    if constexpr (requires { function == nullptr; })
      require(!(function == nullptr), "Tokenizer: '", name, "' has a null function");
    require(!name.empty() && std::ranges::all_of(name, [](char c) { return c > ' ' && c < 0x7F; }), "Tokenizer: name '",
            name, "', expected visible ASCII characters");
    for (const TokenizerKind kind : built_in)
      require(Tokenizer(kind).name() != name, "Tokenizer: the library has a tokenizer '", name, "' already");
    custom_ = std::make_shared<const Custom>(
        Custom{std::move(name), std::move(separator),
               [f = std::move(function)](std::string_view text, FunctionRef<std::string_view> on_token) {
                 std::invoke(f, text, on_token);
               }});
  }

  /// The tokenizer called `name`: the library's or one of `known`. Throws `Error` for any other name; the message
  /// begins with `who`.
  template <class Error = std::invalid_argument>
  static Tokenizer from_name(std::string_view name, std::string_view who = "Tokenizer",
                             const std::vector<Tokenizer>& known = {}) {
    for (const TokenizerKind kind : built_in)
      if (Tokenizer(kind).name() == name) return kind;
    for (const Tokenizer& tokenizer : known)
      if (tokenizer.name() == name) return tokenizer;
    fail<Error>(who, ": tokenizer '", name, "', expected ", WordTokenizer::name, ", ", UnicodeWordTokenizer::name, ", ",
                WhitespaceTokenizer::name, ", ", CharacterTokenizer::name,
                " or one that is passed to what loads, as its last argument");
  }

  TokenizerKind kind() const { return kind_; }
  std::string_view name() const {
    return custom_ ? custom_->name : with([](auto tokenizer) { return tokenizer.name; });
  }
  /// What stands between two tokens when they are joined to a text again.
  std::string_view separator() const {
    return custom_ ? std::string_view(custom_->separator) : kind_ == TokenizerKind::characters ? "" : " ";
  }

  template <class Callback> void operator()(std::string_view text, Callback&& on_token) const {
    if (!custom_) return with([&](auto tokenizer) { tokenizer(text, on_token); });
    custom_->call(text, [&](std::string_view token) {
      require(!token.empty() && is_valid_utf8(token), "Tokenizer: '", custom_->name,
              "' gave a token that is empty or not UTF-8");
      on_token(Token(token));
    });
  }
  std::vector<std::string> tokenize(std::string_view text) const { return detail::collect_tokens(*this, text); }
  friend bool operator==(const Tokenizer& a, const Tokenizer& b) { return a.name() == b.name(); }

 private:
  struct Custom {
    std::string name, separator;
    std::function<void(std::string_view, FunctionRef<std::string_view>)> call;
  };
  static constexpr std::array built_in{TokenizerKind::article, TokenizerKind::whitespace, TokenizerKind::characters,
                                       TokenizerKind::unicode_words};

  template <class T> static std::string separator_of(const T& tokenizer) {
    if constexpr (requires { std::string_view(tokenizer.separator); })
      return std::string(std::string_view(tokenizer.separator));
    else
      return " ";
  }
  template <class F> std::invoke_result_t<F, WordTokenizer> with(F&& f) const {
    switch (kind_) {
      case TokenizerKind::whitespace:
        return f(WhitespaceTokenizer{});
      case TokenizerKind::characters:
        return f(CharacterTokenizer{});
      case TokenizerKind::unicode_words:
        return f(UnicodeWordTokenizer{});
      case TokenizerKind::article:
      case TokenizerKind::custom:
        break;
    }
    return f(WordTokenizer{});
  }

  TokenizerKind kind_ = TokenizerKind::article;
  std::shared_ptr<const Custom> custom_;
};

}  // namespace unroll::inline UNROLL_ABI
