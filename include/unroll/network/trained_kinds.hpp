// From the kinds of a list to layers that train. The library's list is instantiated in the compiled part.
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include <unroll/core/size.hpp>
#include <unroll/layer/final_state.hpp>
#include <unroll/network/library_kinds.hpp>
#include <unroll/network/make_layer.hpp>
#include <unroll/network/network.hpp>

namespace unroll::inline UNROLL_ABI::detail {

/// Throws for an option that the kind has not, or a value that it cannot have.
UNROLL_API void check_kind_options(const LayerKind& kind, const LayerOptions& how);
/// Throws for sizes that are none.
UNROLL_API void check_layer_sizes(std::string_view kind, Index inputs, Index outputs);
/// Throws for a number of units beside that of outputs which the cell does not have, or which is none; 0: as many.
UNROLL_API void check_units(std::string_view kind, Index units, Index inputs, Index outputs, bool projects);
/// Throws unless the form takes and gives so many.
UNROLL_API void check_form_sizes(const LayerData& form, Index inputs, Index outputs);
/// Throws what the list does not have: its names.
[[noreturn]] UNROLL_API void refuse_kind(std::string_view kind, KindTable kinds);

template <class K> inline constexpr bool is_recurrent_kind = false;
template <class C> inline constexpr bool is_recurrent_kind<RecurrentKind<C>> = true;

template <class T> AnyLayer<T> with_final_state(AnyLayer<T> layer, bool wanted) {
  return wanted ? AnyLayer<T>(FinalState<AnyLayer<T>>(std::move(layer))) : layer;
}
inline Merge merge_of(std::string_view name) {
  return static_cast<Merge>(std::distance(std::begin(merge_names), std::ranges::find(merge_names, name)));
}
/// One direction, or two.
template <class K, class T>
AnyLayer<T> recurrent_layer(Index inputs, Index units, Index outputs, const RecurrentOptions& how,
                            std::optional<Merge> merge) {
  const auto cell = K::template cell<T>(inputs, units, outputs);
  using C = std::remove_const_t<decltype(cell)>;
  return merge ? AnyLayer<T>(Bidirectional<C>(cell, how, *merge)) : AnyLayer<T>(Recurrent<C>(cell, how));
}

/// The tensors that it must have and, with biases, those that it may have.
template <class K> LayerData sized_form(Index inputs, Index outputs, const LayerOptions& how) {
  LayerData form = K::sized(inputs, outputs);
  form.options = how.options;
  check_form_sizes(form, inputs, outputs);
  if (how.bias)
    for (const TensorForm& tensor : describe_layer(form, inputs).tensors)
      if (tensor.need == Need::optional)
        form.tensors.try_emplace(std::string(tensor.name), Matrix<float>::Zero(tensor.rows, tensor.cols));
  return form;
}

/// Of the kinds of a list but those of `Whole`, the library's, which are made elsewhere. `all`: as make_library_sized.
template <class List, class Whole, class T>
AnyLayer<T> make_sized_of(std::string_view kind, Index inputs, Index outputs, const LayerOptions& how, KindTable all) {
  check_layer_sizes(kind, inputs, outputs);
  constexpr std::string_view two = BidirectionalKind::name;
  const bool is_bidirectional = kind.starts_with(two) && kind.substr(two.size()).starts_with(' ');
  const std::string_view name = is_bidirectional ? kind.substr(two.size() + 1) : kind;
  std::optional<AnyLayer<T>> made;
  const auto try_kind = [&]<class K>() {
    if (K::name != name) return false;
    check_kind_options(is_bidirectional ? layer_kind<BidirectionalKind> : layer_kind<K>, how);
    if constexpr (is_recurrent_kind<K>) {
      LayerData told{nullptr, {}, how.options, {}};
      RecurrentOptions recurrent = how.recurrent;
      recurrent.reverse = recurrent.reverse || told.flag("reverse");
      if (!how.bias) recurrent.bias = Bias::none;
      std::optional<Merge> merge;
      if (is_bidirectional) {
        merge = merge_of(told.word("merge", merge_names[0]));
        require(*merge != Merge::concat || outputs % 2 == 0, "make_layer: ", kind, ": ", outputs,
                " outputs of two directions, expected an even number");
      }
      const Index of_one = merge == Merge::concat ? outputs / 2 : outputs;
      check_units(K::name, how.units, inputs, of_one, K::counts.projects);
      const Index units = how.units > 0 ? how.units : of_one;
      made = with_final_state(recurrent_layer<K, T>(inputs, units, of_one, recurrent, merge),
                              how.final_state || told.flag("final_state"));
    } else if constexpr (requires(const LayerData& form) { K::template make<T>(form); }) {
      if (!is_bidirectional) made = AnyLayer<T>(K::template make<T>(sized_form<K>(inputs, outputs, how)));
    }
    return made.has_value();
  };
  any_kind<List, Whole>([&]<class K>() {
    if constexpr (!std::is_same_v<K, Whole>)
      return try_kind.template operator()<K>();
    else if (find_kind(library_kinds(), name) != nullptr)
      made = make_library_sized<T>(kind, inputs, outputs, how, all);
    return made.has_value();
  });
  if (!made) refuse_kind(kind, all);
  return *std::move(made);
}

template <class List, class Whole, class T> AnyLayer<T> make_formed_of(const LayerData& form, KindTable all) {
  const bool is_bidirectional = is_kind<BidirectionalKind>(form) && form.parts.size() == 2;
  const LayerData& one = is_bidirectional ? form.parts.front() : form;
  std::optional<AnyLayer<T>> made;
  const auto try_kind = [&]<class K>() {
    if (!is_kind<K>(one)) return false;
    if constexpr (is_recurrent_kind<K>) {
      auto layer = K::template make<T>(one);
      if (is_bidirectional)
        made = recurrent_layer<K, T>(layer.cell.inputs(), layer.cell.units(), layer.cell.state_rows(0), layer.options,
                                     merge_of(form.word("merge", merge_names[0])));
      else
        made = AnyLayer<T>(std::move(layer));
      made = with_final_state(*std::move(made), form.flag("final_state"));
    } else if constexpr (requires { K::template make<T>(one); }) {
      if (!is_bidirectional) made = AnyLayer<T>(K::template make<T>(one));
    }
    return made.has_value();
  };
  any_kind<List, Whole>([&]<class K>() {
    if constexpr (!std::is_same_v<K, Whole>)
      return try_kind.template operator()<K>();
    else if (one.kind != nullptr && find_kind(library_kinds(), one.kind->name) != nullptr)
      made = make_library_formed<T>(form, all);
    return made.has_value();
  });
  if (!made) refuse_kind(kind_name(form), all);
  return *std::move(made);
}

template <class List, class T>
AnyLayer<T> make_sized(std::string_view kind, Index inputs, Index outputs, const LayerOptions& how) {
  return make_sized_of<List, LibraryKinds, T>(kind, inputs, outputs, how, kind_table<List>());
}
template <class List, class T> AnyLayer<T> make_formed(const LayerData& form) {
  return make_formed_of<List, LibraryKinds, T>(form, kind_table<List>());
}

template <class T>
AnyLayer<T> make_library_sized(std::string_view kind, Index inputs, Index outputs, const LayerOptions& how,
                               KindTable all) {
  return make_sized_of<LibraryKinds, void, T>(kind, inputs, outputs, how, all.empty() ? library_kinds() : all);
}
template <class T> AnyLayer<T> make_library_formed(const LayerData& form, KindTable all) {
  return make_formed_of<LibraryKinds, void, T>(form, all.empty() ? library_kinds() : all);
}

}  // namespace unroll::inline UNROLL_ABI::detail

#if UNROLL_HEADER_ONLY
#include <unroll/network/trained_kinds.ipp>
#endif
