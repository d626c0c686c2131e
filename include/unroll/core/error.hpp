// How the library reports bad input: std::invalid_argument for arguments, FormatError for bytes that come from outside.
// A message says who, what, got, expected.
#pragma once

#include <concepts>
#include <cstdlib>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>

#include <unroll/core/config.hpp>

// Of functions that end in an error: small rather than fast, and never part of their callers.
#if defined(__GNUC__)
#define UNROLL_COLD __attribute__((cold, noinline))
#else
#define UNROLL_COLD
#endif

namespace unroll::inline UNROLL_ABI {

/// A file or text that cannot be used. The message names the file and the place in it.
class UNROLL_API FormatError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// One part of a message: text, a character, a truth value or a number. A type of its own rather than a template, so
/// that messages of all shapes share the code that writes them.
class Part {
 public:
  Part(std::string_view text) : kind_(Kind::text), value_{.text = text} {}
  Part(const std::string& text) : Part(std::string_view(text)) {}
  Part(const char* text) : Part(std::string_view(text)) {}
  Part(char c) : kind_(Kind::character), value_{.character = c} {}
  template <std::same_as<bool> Truth>  // a template, or pointers would prefer it
  Part(Truth b) : Part(std::string_view(b ? "true" : "false")) {}
  template <std::signed_integral Number> requires(!std::same_as<Number, char>)
  Part(Number number) : kind_(Kind::integer), value_{.integer = number} {}
  template <std::unsigned_integral Number> requires(!std::same_as<Number, bool> && !std::same_as<Number, char>)
  Part(Number number) : kind_(Kind::natural), value_{.natural = number} {}
  template <std::floating_point Number>
  Part(Number number) : kind_(Kind::real), value_{.real = detail::as<double>(number)} {}

  UNROLL_API void append_to(std::string& out) const;

 private:
  enum class Kind { text, character, integer, natural, real } kind_;
  union {
    std::string_view text;
    char character;
    long long integer;
    unsigned long long natural;
    double real;
  } value_;
};

namespace detail {
inline void append(std::string& out, const Part& part) { part.append_to(out); }
UNROLL_API std::string join(std::initializer_list<Part> parts);
}  // namespace detail

/// The parts, numbers written out, in one string.
template <class... Parts> std::string concat_text(const Parts&... parts) { return detail::join({Part(parts)...}); }
template <class... Parts> [[deprecated("say concat_text")]] std::string concat(const Parts&... parts) {
  return concat_text(parts...);
}

namespace detail {
template <class Error> [[noreturn]] UNROLL_COLD UNROLL_API void raise(std::initializer_list<Part> parts) {
#if defined(__cpp_exceptions)
  throw Error(join(parts));
#else
  static_cast<void>(parts);
  std::abort();
#endif
}
#if !UNROLL_HEADER_ONLY
extern template void raise<std::invalid_argument>(std::initializer_list<Part>);
extern template void raise<FormatError>(std::initializer_list<Part>);
#endif
}  // namespace detail

/// Ends here with `Error`; where exceptions are switched off it stops the program.
template <class Error = std::invalid_argument, class... Parts>
[[noreturn]] UNROLL_COLD void fail(const Parts&... parts) {
  detail::raise<Error>({Part(parts)...});
}

/// Throws `Error` with the parts as message unless `condition` holds. The message costs nothing until then.
template <class Error = std::invalid_argument, class... Parts> void require(bool condition, const Parts&... parts) {
  if (!condition) [[unlikely]]
    fail<Error>(parts...);
}

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/core/error.ipp>
#endif
