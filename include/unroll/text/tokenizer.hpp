// The tokenizer of a vocabulary: one of the library's or one of the user's own, chosen at run time.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <unroll/core/error.hpp>
#include <unroll/core/function_ref.hpp>
#include <unroll/text/basic_tokenizers.hpp>
#include <unroll/text/token.hpp>
#include <unroll/text/token_buffer.hpp>
#include <unroll/text/unicode_words.hpp>

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
  UNROLL_API Tokenizer(TokenizerKind kind);
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
    bool is_null = false;
    if constexpr (requires { function == nullptr; }) is_null = function == nullptr;
    Call call;
    if (!is_null)
      call = [f = std::move(function)](std::string_view text, FunctionRef<std::string_view> on_token) {
        std::invoke(f, text, on_token);
      };
    set_custom(std::move(name), std::move(separator), std::move(call));
  }
  /// The tokenizer called `name`: the library's or one of `known`. Throws `Error` for any other name; the message
  /// begins with `who`.
  template <class Error = std::invalid_argument>
  static Tokenizer from_name(std::string_view name, std::string_view who = "Tokenizer",
                             const std::vector<Tokenizer>& known = {}) {
    Tokenizer found;
    if (!find(name, known, found)) fail<Error>(who, unknown_name(name));
    return found;
  }

  TokenizerKind kind() const { return kind_; }
  UNROLL_API std::string_view name() const;
  /// What stands between two tokens when they are joined to a text again.
  UNROLL_API std::string_view separator() const;

  template <class Callback> void operator()(std::string_view text, Callback&& on_token) const {
    if (custom_)
      call_custom(text, [&](const Token& token) { on_token(token); });
    else if (kind_ == TokenizerKind::characters)
      CharacterTokenizer{}(text, on_token);
    else
      write(text).split(on_token);
  }
  UNROLL_API std::vector<std::string> tokenize(std::string_view text) const;

  friend bool operator==(const Tokenizer& a, const Tokenizer& b) { return a.name() == b.name(); }

 private:
  using Call = std::function<void(std::string_view, FunctionRef<std::string_view>)>;
  struct Custom;

  UNROLL_API void set_custom(std::string name, std::string separator, Call call);
  UNROLL_API static bool find(std::string_view name, const std::vector<Tokenizer>& known, Tokenizer& found);
  UNROLL_API static std::string unknown_name(std::string_view name);
  UNROLL_API void call_custom(std::string_view text, FunctionRef<const Token&> on_token) const;
  /// Of any kind but characters and custom.
  UNROLL_API detail::TokenBuffer write(std::string_view text) const;

  template <class T> static std::string separator_of(const T& tokenizer) {
    if constexpr (requires { std::string_view(tokenizer.separator); })
      return std::string(std::string_view(tokenizer.separator));
    else
      return " ";
  }
  TokenizerKind kind_ = TokenizerKind::article;
  std::shared_ptr<const Custom> custom_;
};

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/text/tokenizer.ipp>
#endif
