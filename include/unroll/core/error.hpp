// How the library reports bad input: std::invalid_argument for arguments, FormatError for bytes that come from outside.
// A message says who, what, got, expected.
#pragma once

#include <charconv>
#include <concepts>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>

#include <unroll/core/config.hpp>

namespace unroll::inline UNROLL_ABI {

/// A file or text that cannot be used. The message names the file and the place in it.
class FormatError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

namespace detail {
inline void append(std::string& out, std::string_view text) { out += text; }
inline void append(std::string& out, char c) { out += c; }
template <std::same_as<bool> Bool>  // a template, or string literals would prefer it
void append(std::string& out, Bool b) {
  out += b ? "true" : "false";
}
template <class Number> requires((std::integral<Number> && !std::same_as<Number, bool>) || std::floating_point<Number>)
void append(std::string& out, Number number) {
  char digits[64];
  const auto end = [&] {
    if constexpr (std::floating_point<Number>)
      return std::to_chars(digits, digits + sizeof digits, number, std::chars_format::general, 6).ptr;
    else
      return std::to_chars(digits, digits + sizeof digits, number).ptr;
  }();
  out.append(digits, end);
}
}  // namespace detail

/// The parts, numbers written out, in one string.
template <class... Parts> std::string concat(const Parts&... parts) {
  std::string out;
  (detail::append(out, parts), ...);
  return out;
}

/// Ends here with `Error`. The one place that knows what to do where exceptions are switched off: there it stops.
template <class Error = std::invalid_argument, class... Parts> [[noreturn]] void fail(const Parts&... parts) {
#if defined(__cpp_exceptions)
  throw Error(concat(parts...));
#else
  (static_cast<void>(parts), ...);
  std::abort();
#endif
}

/// Throws `Error` with the parts as message unless `condition` holds. The message costs nothing until then.
template <class Error = std::invalid_argument, class... Parts> void require(bool condition, const Parts&... parts) {
  if (!condition) [[unlikely]]
    fail<Error>(parts...);
}

}  // namespace unroll::inline UNROLL_ABI
