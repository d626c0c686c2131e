// Layers by the names of their kinds.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <type_traits>

#include <unroll/kind/layer_kind.hpp>
#include <unroll/layer/any_layer.hpp>
#include <unroll/layer/recurrent/options.hpp>

namespace unroll::inline UNROLL_ABI {

/// <unroll/network/library_kinds.hpp>
struct LibraryKinds;

/// What a layer is besides its kind and sizes.
struct LayerOptions {
  RecurrentOptions recurrent{};  ///< of a recurrent or bidirectional layer
  bool bias = true;              ///< false: none, of any layer that may have one
  bool final_state = false;      ///< FinalState of the layer
  Index units = 0;               ///< H of a cell that projects them to its outputs; 0: as many as the outputs
  /// Its kind's options, as files have them (docs/kinds.md): `{{"alpha", 0.5}}`, `{{"merge", "sum"}}`.
  std::map<std::string, LayerOption, std::less<>> options{};
};

namespace detail {
/// Of the kinds of a list; <unroll/network/trained_kinds.hpp>.
template <class List, class T>
AnyLayer<T> make_sized(std::string_view kind, Index inputs, Index outputs, const LayerOptions& how);
/// Of its sizes and options, not its numbers.
template <class List, class T> AnyLayer<T> make_formed(const LayerData& form);
/// Of the library's kinds, which the compiled part has. Without the list, whose type is hidden in a shared library.
/// `all` are the names for who asks for a layer that does not train: the library's unless there are more.
template <class T>
UNROLL_API AnyLayer<T> make_library_sized(std::string_view kind, Index inputs, Index outputs, const LayerOptions& how,
                                          KindTable all);
template <class T> UNROLL_API AnyLayer<T> make_library_formed(const LayerData& form, KindTable all);
template <class T> AnyLayer<T> make_library_formed(const LayerData& form) { return make_library_formed<T>(form, {}); }

template <class T> using MakeFormed = AnyLayer<T> (*)(const LayerData& form);
template <class List, class T> constexpr MakeFormed<T> maker_of() {
  if constexpr (std::is_same_v<List, LibraryKinds>)
    return &make_library_formed<T>;
  else
    return &make_formed<List, T>;
}

#define UNROLL_MAKE_LAYER_INSTANCES(DECLARE, T)                                                              \
  DECLARE AnyLayer<T> make_library_sized<T>(std::string_view, Index, Index, const LayerOptions&, KindTable); \
  DECLARE AnyLayer<T> make_library_formed<T>(const LayerData&, KindTable);
#if !UNROLL_HEADER_ONLY
UNROLL_MAKE_LAYER_INSTANCES(extern template, float)
UNROLL_MAKE_LAYER_INSTANCES(extern template, double)
#endif
}  // namespace detail

/// The layer of a kind that takes and gives so many values (an embedding takes so many different tokens): its weights
/// zero until `initialize`, all else as the layer's own constructor has it. `kind` is a name of docs/kinds.md, or
/// "bidirectional gru" for one of two GRUs with half of the outputs each, or with `outputs` each where `merge` adds or
/// multiplies them. Throws std::invalid_argument for a name that is not in the list, sizes that the kind cannot have
/// and options that it has not. With kinds of one's own `make_layer<Kinds<LibraryKinds, MyKind>>(..)`, and in double
/// `make_layer<LibraryKinds, double>(..)`; a list of one's own needs <unroll/network/trained_kinds.hpp>.
template <class List = LibraryKinds, class T = float>
AnyLayer<T> make_layer(std::string_view kind, Index inputs, Index outputs, const LayerOptions& how = {}) {
  if constexpr (std::is_same_v<List, LibraryKinds>)
    return detail::make_library_sized<T>(kind, inputs, outputs, how, {});
  else
    return detail::make_sized<List, T>(kind, inputs, outputs, how);
}

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/network/trained_kinds.hpp>
#endif
