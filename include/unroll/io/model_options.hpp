// The options of a model in its file.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include <unroll/file/safetensors.hpp>
#include <unroll/layer/options.hpp>

namespace unroll::inline UNROLL_ABI {

/// An std::uint64_t only where an std::int64_t cannot hold it.
using OptionValue = std::variant<bool, std::int64_t, std::uint64_t, double, std::string>;
/// By their paths: `how.heads`.
using OptionValues = std::map<std::string, OptionValue, std::less<>>;

namespace detail {
/// As JSON. Throws std::invalid_argument for what JSON cannot hold: a number that is not finite, text that is not
/// UTF-8.
UNROLL_API std::string write_options(const OptionValues& options);
/// Throws FormatError. None where the file has none.
UNROLL_API OptionValues read_options(const SafeTensors& file);

/// Throws FormatError: the value found at a path of a file is none of that kind, or out of range.
[[noreturn]] UNROLL_API void refuse_option(std::string_view source, std::string_view path, const OptionValue& got,
                                           std::string_view expected);

template <class X> OptionValue option_value(const X& x) {
  if constexpr (std::is_same_v<X, bool> || std::is_same_v<X, std::string>)
    return x;
  else if constexpr (std::is_floating_point_v<X>)
    return static_cast<double>(x);
  else if constexpr (std::is_enum_v<X>)
    return static_cast<std::int64_t>(x);
  else
    return std::in_range<std::int64_t>(x) ? OptionValue(static_cast<std::int64_t>(x))
                                          : OptionValue(static_cast<std::uint64_t>(x));
}
template <class X> void set_option(std::string_view source, std::string_view path, const OptionValue& value, X& to) {
  if constexpr (std::is_same_v<X, bool> || std::is_same_v<X, std::string>) {
    if (!std::holds_alternative<X>(value))
      refuse_option(source, path, value, std::is_same_v<X, bool> ? "true or false" : "a text");
    to = std::get<X>(value);
  } else if constexpr (std::is_floating_point_v<X>) {
    double number = 0;
    if (const auto* const integer = std::get_if<std::int64_t>(&value))
      number = static_cast<double>(*integer);
    else if (const auto* const natural = std::get_if<std::uint64_t>(&value))
      number = static_cast<double>(*natural);
    else if (const auto* const real = std::get_if<double>(&value))
      number = *real;
    else
      refuse_option(source, path, value, "a number");
    if (!(std::abs(number) <= static_cast<double>((std::numeric_limits<X>::max)())))
      refuse_option(source, path, value, concat_text("at most ", (std::numeric_limits<X>::max)()));
    to = static_cast<X>(number);
  } else if constexpr (std::is_enum_v<X>) {
    const auto* const integer = std::get_if<std::int64_t>(&value);
    if (integer == nullptr || static_cast<std::int64_t>(static_cast<X>(*integer)) != *integer)
      refuse_option(source, path, value, "a value of an enumeration");
    to = static_cast<X>(*integer);
  } else {
    const auto take = [&](const auto& integer) {
      if (!std::in_range<X>(integer))
        refuse_option(source, path, value,
                      concat_text((std::numeric_limits<X>::min)(), " to ", (std::numeric_limits<X>::max)()));
      to = static_cast<X>(integer);
    };
    if (const auto* const integer = std::get_if<std::int64_t>(&value))
      take(*integer);
    else if (const auto* const natural = std::get_if<std::uint64_t>(&value))
      take(*natural);
    else
      refuse_option(source, path, value, "an integer");
  }
}

template <class M> OptionValues options_of(const M& model) {
  OptionValues all;
  visit_options([&](const Path& path, const auto& value) { all[path.str()] = option_value(value); }, Path{}, model);
  return all;
}
/// Throws FormatError where the file has an option that the model has not. Those that it lacks keep their values: it
/// was written before there was such an option.
UNROLL_API void refuse_other_options(std::string_view source, const OptionValues& known, const OptionValues& given);
/// The options of a part that stands `at`, as far as they are given.
template <class P> void set_options(std::string_view source, const OptionValues& given, const Path& at, P& part) {
  visit_options(
      [&](const Path& here, auto& value) {
        const std::string path = here.str();
        if (const auto found = given.find(path); found != given.end()) set_option(source, path, found->second, value);
      },
      at, part);
}
template <class M> void take_options(std::string_view source, const OptionValues& given, M& model) {
  refuse_other_options(source, options_of(model), given);
  set_options(source, given, Path{}, model);
}
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/io/model_options.ipp>
#endif
