// A kind of layer, and lists of kinds.
#pragma once

#include <array>
#include <span>
#include <string_view>
#include <type_traits>

#include <unroll/kind/description.hpp>
#include <unroll/kind/layer_data.hpp>

namespace unroll::inline UNROLL_ABI {

// A kind K is a struct that says
//   name                    in files
//   describe(Description&)  tensors, options and widths of a layer: data, nothing that trains or streams
//   sized(inputs, outputs)  a layer of these widths: the tensors that it must have, zeros
//   run(layer, x)           what the layer gives for (inputs, steps), by the book and in double: the judge of the rest
// and stands beside the layer or cell that it is of. Where that is trained: Layer<T>, its type, and make<T>(layer), one
// of this form, which `assign` gives its weights. Where it streams, and is no cell:
//   apply<V>(weights, x, y, n)  what it does to the n values of a step, over a value type: kind/sample_weights.hpp
//   type, header                of the trained layer, for who writes C++; or else
//   no_stream                   a sentence: why not

/// What is known of a kind at run time.
struct LayerKind {
  std::string_view name;
  void (*describe)(Description&);
  Matrix<double> (*run)(const LayerData& layer, const Matrix<double>& x);
};

template <class K> inline constexpr LayerKind layer_kind{K::name, &K::describe, &K::run};

/// Is it of this kind? By name: a shared library has a record of its own.
template <class K> bool is_kind(const LayerData& layer) { return layer.kind != nullptr && layer.kind->name == K::name; }

/// The kind's word on a layer; `before` is how many values come in. Throws std::invalid_argument where it has no kind.
UNROLL_API Description describe_layer(const LayerData& layer, Index before = 0);

/// "lstm", "bidirectional gru", "dense"; "nothing" without a kind
UNROLL_API std::string kind_name(const LayerData& layer);

/// A list of kinds, and of lists: `Kinds<LibraryKinds, MyCellKind>`. Readers of files that name kinds and streams of
/// any size are given one.
template <class... K> struct Kinds {};

using KindTable = std::span<const LayerKind* const>;

namespace detail {
template <class Whole, class F, class... K> constexpr bool any_of_kinds(const F& f, const Kinds<K...>*);
}  // namespace detail

/// f.operator()<K>() for one kind, or each of a list, until one says true. A list in it which is `Whole` counts as one.
template <class K, class Whole = void, class F> constexpr bool any_kind(const F& f) {
  if constexpr (std::is_same_v<K, Whole>)
    return f.template operator()<K>();
  else if constexpr (requires { K::describe; })
    return f.template operator()<K>();
  else
    return detail::any_of_kinds<Whole>(f, static_cast<const K*>(nullptr));
}

namespace detail {
template <class Whole, class F, class... K> constexpr bool any_of_kinds(const F& f, const Kinds<K...>*) {
  return (any_kind<K, Whole>(f) || ...);
}
/// Whether a trained layer says what it is in files: `KindInFiles`, which may be void.
template <class L> inline constexpr bool has_kind = false;
template <class L> requires requires { typename L::KindInFiles; }
inline constexpr bool has_kind<L> = !std::is_void_v<typename L::KindInFiles>;

template <class List> constexpr std::size_t count_kinds() {
  std::size_t n = 0;
  any_kind<List>([&n]<class>() { return ++n, false; });
  return n;
}
template <class List> constexpr auto records_of_kinds() {
  std::array<const LayerKind*, count_kinds<List>()> records{};
  std::size_t n = 0;
  any_kind<List>([&]<class K>() { return records[n++] = &layer_kind<K>, false; });
  return records;
}
template <class List> inline constexpr auto kind_records = records_of_kinds<List>();
}  // namespace detail

/// f.operator()<K>() for every kind of a list, in its order.
template <class List, class F> constexpr void for_each_kind(const F& f) {
  any_kind<List>([&f]<class K>() { return f.template operator()<K>(), false; });
}
template <class List> constexpr KindTable kind_table() { return detail::kind_records<List>; }
/// Null where there is none of this name.
inline const LayerKind* find_kind(KindTable kinds, std::string_view name) {
  for (const LayerKind* kind : kinds)
    if (kind->name == name) return kind;
  return nullptr;
}

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/kind/layer_kind.ipp>
#endif
