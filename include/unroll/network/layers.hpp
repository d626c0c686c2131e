// Which layers of a model a network knows, and the way from one to the next.
#pragma once

#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <unroll/core/function_ref.hpp>
#include <unroll/kind/identity_in_inference.hpp>
#include <unroll/kind/layer_kind.hpp>
#include <unroll/layer/any_layer/erased.hpp>
#include <unroll/layer/final_state.hpp>
#include <unroll/layer/recurrent.hpp>
#include <unroll/layer/stack.hpp>
#include <unroll/layer/walk_layers.hpp>
#include <unroll/network/stored_parameters.hpp>

namespace unroll::inline UNROLL_ABI::detail {

/// Whether a layer, or a model of layers, is one that a network can hold.
template <class L> inline constexpr bool has_network = has_kind<L> || is_identity_in_inference<L>;
template <class L> inline constexpr bool has_network<FinalState<L>> = has_network<L>;
template <class... Ls> inline constexpr bool has_network<Sequential<Ls...>> = (has_network<Ls> && ...);
template <class... Ls> inline constexpr bool has_network<Stack<Ls...>> = (has_network<Ls> && ...);
template <KnowsItsLayers L> inline constexpr bool has_network<L> = true;  // or says at run time why not

/// A layer of a model without its type: what it is but for its tensors, and where its parameters are, absent ones too.
struct ModelLayer {
  LayerData form{};
  std::string at, text;                        ///< its path, its own description
  std::vector<StoredParameters> parameters{};  ///< of the layer, or of each of its parts
  bool is_final = false;                       ///< gives its final state alone
};

template <class L> void set_form(const L& layer, ModelLayer& to) { set_form(layer, to.form); }
template <class T> void set_form(const ErasedLeaf<T>& layer, ModelLayer& to) { to.form = layer.form; }

/// One more layer; its parameters go to the first of its lists. Lists of layers are handled here, not in every program
/// that has a model.
UNROLL_API ModelLayer& add_layer(std::vector<ModelLayer>& to, const Path& at, std::string_view text, bool is_final);

/// What adds the layers of a model that has a description. Of a const one, parameters are only read.
template <class M> auto adding_layers(M& model) {
  return [&model](std::vector<ModelLayer>& to) {
    const Path root;
    walk_layers(model, root, false, [&to]<class L>(L& layer, const Path& at, bool is_final) {
      ModelLayer& added = add_layer(to, at, layer.describe(), is_final);
      set_form(std::as_const(layer), added);
      L::visit(StoreParameters{added.parameters.front()}, at, layer);
    });
  };
}
/// The layers that a model adds, with the parameters of each part by themselves.
using AddLayers = FunctionRef<std::vector<ModelLayer>&>;
UNROLL_API std::vector<ModelLayer> layers_of(AddLayers model);
/// As a network has them, with their tensors; <unroll/network/model.hpp>.
UNROLL_API std::vector<LayerData> data_of_layers(std::string_view who, AddLayers model);

}  // namespace unroll::inline UNROLL_ABI::detail

#if UNROLL_HEADER_ONLY
#include <unroll/network/layers.ipp>
#endif
