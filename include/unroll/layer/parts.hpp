// What a layer is made of: the one walk over layers inside of layers.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <unroll/layer/layer.hpp>

/// Names the parts of a Composite or CompositeCell, once: in the order in which they are initialized, numbered for
/// dropout, and shown. After the members it names. A part is a layer, a Composite, a struct of options
/// (UNROLL_OPTIONS), or a std::vector or std::array of parts.
#define UNROLL_PARTS(...)                                                     \
  static constexpr std::string_view names_of_parts() { return #__VA_ARGS__; } \
  auto parts() { return std::tie(__VA_ARGS__); }                              \
  auto parts() const { return std::tie(__VA_ARGS__); }

namespace unroll::inline UNROLL_ABI {

namespace detail {
/// A layer of layers has parts(), a tuple of references to them, and names_of_parts(), "embed, read, head"; without it
/// they are numbered, and a part that is called "." stands where the layer does.
template <class M>
concept HasParts = requires(M& model) { model.parts(); };

template <class P> inline constexpr bool is_list = false;
template <class P, class A> inline constexpr bool is_list<std::vector<P, A>> = true;
template <class P, std::size_t n> inline constexpr bool is_list<std::array<P, n>> = true;

/// References to the elements of a tuple.
template <class Tuple> auto tie_all(Tuple& layers) {
  return std::apply([](auto&... layer) { return std::tie(layer...); }, layers);
}

/// The k-th of "embed, read, head".
constexpr std::string_view name_of_part(std::string_view names, std::size_t k) {
  for (; k > 0; --k) names.remove_prefix(names.find(',') + 1);
  names = names.substr(0, names.find(','));
  while (!names.empty() && names.front() == ' ') names.remove_prefix(1);
  return names;
}

template <class M> struct AssertParts {
  static constexpr bool named = HasParts<M>;  // a compiler lists no reasons for a variable
  static_assert(named, "unroll::Composite: UNROLL_PARTS(..) with the names of the parts is missing.");
};
template <class M> auto parts_of(M& model) {
  if constexpr (AssertParts<std::remove_const_t<M>>::named)
    return model.parts();
  else
    return std::tuple<>();
}
template <class M> using PartsOf = decltype(parts_of(std::declval<M&>()));

template <std::size_t K, class F, class... M> void with_part(const F& f, std::string_view name, M&... model) {
  f(std::integral_constant<std::size_t, K>{}, name, std::get<K>(model.parts())...);
}
/// The name of the k-th part; none where they are numbered.
template <class M> constexpr std::string_view part_name([[maybe_unused]] std::size_t k) {
  if constexpr (requires { M::names_of_parts(); })
    return name_of_part(M::names_of_parts(), k);
  else
    return {};
}
/// Where the k-th part of an M stands that stands `at`.
template <class M> Path part_path(const Path& at, std::size_t k) {
  const std::string_view name = part_name<M>(k);
  return name == "." ? at : name.empty() ? at / static_cast<Index>(k) : at / name;
}
/// f(k, name, k-th part of each model).
template <class F, class M, class... More> void for_each_part(const F& f, M& model, More&... more) {
  if constexpr (AssertParts<std::remove_const_t<M>>::named)
    [&]<std::size_t... K>(std::index_sequence<K...>) {
      (with_part<K>(f, part_name<std::remove_const_t<M>>(K), model, more...), ...);
    }(std::make_index_sequence<std::tuple_size_v<PartsOf<M>>>{});
}

UNROLL_COLD inline void refuse_lists(std::string_view what, std::size_t got, std::size_t expected) {
  fail("Composite: ", what, " has ", got, " parts in a list, expected ", expected);
}

template <class F, class P, class... More> void visit_part(F& f, const Path& at, P& part, More&... more) {
  if constexpr (is_list<std::remove_const_t<P>>) {
    const auto check = [&](const auto& other) {
      if (other.size() != part.size()) refuse_lists("another model", other.size(), part.size());
    };
    (check(more), ...);
    for (std::size_t j = 0; j < part.size(); ++j) {
      const Path here = at / static_cast<Index>(j);
      visit_part(f, here, part[j], more[j]...);
    }
  } else {
    std::remove_const_t<P>::visit(f, at, part, more...);
  }
}

/// `visit` of a layer of layers.
template <class F, class M, class... More> void visit_parts(F& f, const Path& at, M& model, More&... more) {
  for_each_part(
      [&](auto k, std::string_view, auto&... part) {
        const Path here = part_path<std::remove_const_t<M>>(at, k());
        visit_part(f, here, part...);
      },
      model, more...);
}
template <class P> void initialize_part(P& part, Rng rng, const Scheme& scheme) {
  if constexpr (is_list<P>)
    for (std::size_t j = 0; j < part.size(); ++j) initialize_part(part[j], rng.child(j), scheme);
  else
    part.initialize(rng, scheme);
}
/// `initialize` of one: each part has random numbers of its own.
template <class M> void initialize_parts(M& model, Rng rng, const Scheme& scheme) {
  for_each_part([&](auto k, std::string_view, auto& part) { initialize_part(part, rng.child(k()), scheme); }, model);
}
template <class P> std::string describe_part(const P& part) {
  std::string text;
  if constexpr (is_list<P>) {
    for (const auto& each : part) text += concat_text(text.empty() ? "" : ", ", describe_part(each));
    text = concat_text("(", text, ")");
  } else {
    text = part.describe();
    if (HasParts<P> && !part_name<P>(0).empty() && part_name<P>(0) != ".") text = concat_text("(", text, ")");
  }
  return text;
}
/// `describe` of one: what its parts say, with their names if they have some.
template <class M> std::string describe_parts(const M& model) {
  std::string text;
  for_each_part(
      [&](auto k, std::string_view name, const auto& part) {
        if (k() > 0) text += ", ";
        if (!name.empty()) text += concat_text(name, ": ");
        text += describe_part(part);
      },
      model);
  return text;
}

}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
