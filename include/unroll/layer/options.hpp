// A part of a model that is no layer but what its author may choose: kept in the model's file.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <unroll/layer/parts.hpp>

/// Names the members of a struct of options, after them: booleans, integers, enumerations, floating-point numbers,
/// strings. It can then be a part of a Composite, one without parameters; `save` writes its values into the file,
/// `load_model` reads them into the model that was made, whatever it had, and `ModelInfo::options_of` gives them to who
/// makes it. A file's numbers fit their members; what they must be besides, the values of an enumeration too, is for
/// the model to check.
#define UNROLL_OPTIONS(...)                                                          \
  static constexpr std::string_view names_of_options() { return #__VA_ARGS__; }      \
  auto options() { return std::tie(__VA_ARGS__); }                                   \
  auto options() const { return std::tie(__VA_ARGS__); }                             \
  void initialize(const ::unroll::Rng&, const ::unroll::Scheme&) {}                  \
  std::string describe() const { return ::unroll::detail::describe_options(*this); } \
  template <class F, class... Self> static void visit(F&&, const ::unroll::Path&, Self&...) {}

namespace unroll::inline UNROLL_ABI {

/// A struct with UNROLL_OPTIONS.
template <class O>
concept OptionStruct = requires(O& of) {
  of.options();
  O::names_of_options();
};

namespace detail {
template <class X>
concept Character = std::same_as<X, char> || std::same_as<X, wchar_t> || std::same_as<X, char8_t> ||
                    std::same_as<X, char16_t> || std::same_as<X, char32_t>;
template <class X>
concept Option = (std::is_arithmetic_v<X> && !Character<X>) || std::is_enum_v<X> || std::same_as<X, std::string>;

/// f(name, value) for each option.
template <class F, class O> void for_each_option(const F& f, O& of) {
  constexpr std::string_view names = O::names_of_options();
  [&]<class... X, std::size_t... K>(const std::tuple<X&...>& values, std::index_sequence<K...>) {
    constexpr bool all_options = (Option<std::remove_const_t<X>> && ...);
    static_assert(all_options,
                  "unroll: UNROLL_OPTIONS: an option is a boolean, an integer, an enumeration, a floating-point number "
                  "or a std::string.");
    if constexpr (all_options) (f(name_of_part(names, K), std::get<K>(values)), ...);
  }(of.options(), std::make_index_sequence<std::tuple_size_v<decltype(of.options())>>{});
}
/// `heads 2, scaled true`.
template <class O> std::string describe_options(const O& of) {
  std::string text;
  for_each_option(
      [&]<class X>(std::string_view name, const X& value) {
        text += concat_text(text.empty() ? "" : ", ", name, " ");
        if constexpr (std::same_as<X, bool>)
          text += value ? "true" : "false";
        else if constexpr (std::is_enum_v<X>)
          text += concat_text(static_cast<long long>(value));
        else
          text += concat_text(value);
      },
      of);
  return text;
}

/// Whether a part, or a part of it, is a struct of options.
template <class P> consteval bool has_options() {
  if constexpr (OptionStruct<P>)
    return true;
  else if constexpr (is_list<P>)
    return has_options<typename P::value_type>();
  else if constexpr (HasParts<P>)
    return []<class... Part>(const std::tuple<Part&...>*) {
      return (has_options<std::remove_const_t<Part>>() || ... || false);
    }(static_cast<const PartsOf<P>*>(nullptr));
  else
    return false;
}

/// f(path, value) for each option of a model, of its parts and of theirs.
template <class F, class P> void visit_options(const F& f, const Path& at, P& part) {
  using Part = std::remove_const_t<P>;
  if constexpr (is_list<Part>) {
    for (std::size_t j = 0; j < part.size(); ++j) visit_options(f, at / static_cast<Index>(j), part[j]);
  } else if constexpr (OptionStruct<Part>) {
    for_each_option([&](std::string_view name, auto& value) { f(at / name, value); }, part);
  } else if constexpr (HasParts<Part>) {
    for_each_part([&](auto k, std::string_view, auto& inner) { visit_options(f, part_path<Part>(at, k()), inner); },
                  part);
  }
}
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
