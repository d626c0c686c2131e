// The layers of a model as files list them, one after the other.
#pragma once

#include <cstddef>
#include <tuple>
#include <type_traits>

#include <unroll/kind/identity_in_inference.hpp>
#include <unroll/kind/layer_kind.hpp>
#include <unroll/layer/parts.hpp>

namespace unroll::inline UNROLL_ABI {

template <class Inner> class FinalState;
template <class... Ls> class Stack;

namespace detail {

template <class L> inline constexpr bool is_final_state = false;
template <class L> inline constexpr bool is_final_state<FinalState<L>> = true;
template <class L> inline constexpr bool is_stack = false;
template <class... Ls> inline constexpr bool is_stack<Stack<Ls...>> = true;
/// Of layers that are known at run time: these walk over themselves.
template <class L>
concept KnowsItsLayers = requires { typename L::KnowsItsLayers; };

/// f(layer, path, final) for every layer of a model in order, those opened that are made of layers; `final` where the
/// layer gives its final state alone. What does nothing when a model runs is left out.
template <class M, class F> void walk_layers(M& model, const Path& at, bool final, F&& f) {
  using L = std::remove_const_t<M>;
  if constexpr (KnowsItsLayers<L>) {
    model.walk_layers(at, final, f);
  } else if constexpr (HasParts<L>) {
    for_each_part(
        [&](auto k, std::string_view, auto& layer) {
          const Path here = [&] {
            if constexpr (is_stack<L>)
              return at.layer(L::number_of(k()));
            else
              return part_path<L>(at, k());
          }();
          const bool is_last = k() + 1 == std::tuple_size_v<PartsOf<L>>;
          walk_layers(layer, here, is_final_state<L> || (final && is_last), f);
        },
        model);
  } else if constexpr (!is_identity_in_inference<L>) {
    f(model, at, final);
  }
}

/// What a layer is in files but for its tensors; without a kind where it says none.
template <class L> void set_form(const L& layer, LayerData& form) {
  if constexpr (has_kind<L>) {
    using K = typename L::KindInFiles;
    form.kind = &layer_kind<K>;
    if constexpr (requires { K::take_options(layer, form); }) K::take_options(layer, form);
  }
}

}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
