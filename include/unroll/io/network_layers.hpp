// Which layers of a model a network knows, and the way from one to the next.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <unroll/cell/gru.hpp>
#include <unroll/cell/gru_reset_before.hpp>
#include <unroll/cell/lstm.hpp>
#include <unroll/cell/projected_lstm.hpp>
#include <unroll/cell/rnn.hpp>
#include <unroll/io/network.hpp>
#include <unroll/io/stored_parameters.hpp>
#include <unroll/layer/activation.hpp>
#include <unroll/layer/bidirectional.hpp>
#include <unroll/layer/dense.hpp>
#include <unroll/layer/dropout.hpp>
#include <unroll/layer/embedding.hpp>
#include <unroll/layer/final_state.hpp>
#include <unroll/layer/stack.hpp>

namespace unroll::inline UNROLL_ABI::detail {

template <class C> inline constexpr bool is_network_cell = false;
template <class C> inline constexpr CellKind network_cell = CellKind::lstm;
template <class T> inline constexpr bool is_network_cell<Rnn<T>> = true;
template <class T> inline constexpr CellKind network_cell<Rnn<T>> = CellKind::rnn_tanh;
template <class T> inline constexpr bool is_network_cell<ReluRnn<T>> = true;
template <class T> inline constexpr CellKind network_cell<ReluRnn<T>> = CellKind::rnn_relu;
template <class T> inline constexpr bool is_network_cell<Lstm<T>> = true;
template <class T> inline constexpr bool is_network_cell<Gru<T>> = true;
template <class T> inline constexpr CellKind network_cell<Gru<T>> = CellKind::gru;
template <class T> inline constexpr bool is_network_cell<GruResetBefore<T>> = true;
template <class T> inline constexpr CellKind network_cell<GruResetBefore<T>> = CellKind::gru_reset_before;

template <class C> CellKind kind_of(const Recurrent<C>&) { return network_cell<C>; }
template <class T> ActivationKind kind_of(const Tanh<T>&) { return ActivationKind::tanh; }
template <class T> ActivationKind kind_of(const Relu<T>&) { return ActivationKind::relu; }
template <class T> ActivationKind kind_of(const Sigmoid<T>&) { return ActivationKind::sigmoid; }

/// Whether a layer, or a model of layers, is one that a network can hold.
template <class L> inline constexpr bool has_network = false;
template <class C> inline constexpr bool has_network<Recurrent<C>> = is_network_cell<C>;
template <class C> inline constexpr bool has_network<Bidirectional<C>> = is_network_cell<C>;
template <class T> inline constexpr bool has_network<Dense<T>> = true;
template <class T> inline constexpr bool has_network<Embedding<T>> = true;
template <class T> inline constexpr bool has_network<Dropout<T>> = true;
template <class T> inline constexpr bool has_network<Tanh<T>> = true;
template <class T> inline constexpr bool has_network<Relu<T>> = true;
template <class T> inline constexpr bool has_network<Sigmoid<T>> = true;
template <class L> inline constexpr bool has_network<FinalState<L>> = has_network<L>;
template <class... Ls> inline constexpr bool has_network<Sequential<Ls...>> = (has_network<Ls> && ...);
template <class... Ls> inline constexpr bool has_network<Stack<Ls...>> = (has_network<Ls> && ...);

/// Whether it can be described as a network: one layer of the model may be two of the network.
template <class L> inline constexpr bool has_description = has_network<L>;
template <class T> inline constexpr bool has_description<Recurrent<ProjectedLstm<T>>> = true;
template <class L> inline constexpr bool has_description<FinalState<L>> = has_description<L>;
template <class... Ls> inline constexpr bool has_description<Sequential<Ls...>> = (has_description<Ls> && ...);
template <class... Ls> inline constexpr bool has_description<Stack<Ls...>> = (has_description<Ls> && ...);

template <class L> inline constexpr bool is_final_state = false;
template <class L> inline constexpr bool is_final_state<FinalState<L>> = true;
template <class L> inline constexpr bool is_dropout = false;
template <class T> inline constexpr bool is_dropout<Dropout<T>> = true;
template <class L> inline constexpr bool is_stack = false;
template <class... Ls> inline constexpr bool is_stack<Stack<Ls...>> = true;

/// f(layer, path, final) for every layer of a model in order, those opened that are made of layers; `final` where the
/// layer gives its final state alone. Dropout, which is nothing when a model runs, is left out.
template <class M, class F> void walk_layers(M& model, const Path& at, bool final, F&& f) {
  using L = std::remove_const_t<M>;
  if constexpr (HasParts<L>) {
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
  } else if constexpr (!is_dropout<L>) {
    f(model, at, final);
  }
}

/// A layer of a model without its type: what it is, and where its parameters are, absent ones too.
struct ModelLayer {
  enum class Type : std::uint8_t { recurrent, projected, bidirectional, dense, activation, embedding };

  Type type;
  std::string at, text;  ///< its path, its own description
  bool final_state;
  CellKind cell = CellKind::lstm;
  ActivationKind function = ActivationKind::tanh;
  Merge merge = Merge::concat;
  bool reverse = false;
  StoredParameters parameters{}, back{};  ///< `back` of a bidirectional layer
};

template <class C> void set_type(const Recurrent<C>& layer, ModelLayer& to) {
  to.type = is_network_cell<C> ? ModelLayer::Type::recurrent : ModelLayer::Type::projected;
  to.cell = network_cell<C>;
  to.reverse = layer.options.reverse;
}
template <class C> void set_type(const Bidirectional<C>& layer, ModelLayer& to) {
  to.type = ModelLayer::Type::bidirectional;
  to.cell = network_cell<C>;
  to.merge = layer.merge;
}
template <class T> void set_type(const Dense<T>&, ModelLayer& to) { to.type = ModelLayer::Type::dense; }
template <class T> void set_type(const Embedding<T>&, ModelLayer& to) { to.type = ModelLayer::Type::embedding; }
template <class L> void set_type(const L& layer, ModelLayer& to) {
  to.type = ModelLayer::Type::activation;
  to.function = kind_of(layer);
}

/// Parameters of the direction that runs back go to `back`.
UNROLL_API void split_directions(ModelLayer& layer);

/// The layers of a model that has a description. Of a const one, parameters are only read.
template <class M> std::vector<ModelLayer> model_layers(M& model) {
  std::vector<ModelLayer> layers;
  const Path root;
  walk_layers(model, root, false, [&]<class L>(L& layer, const Path& at, bool final) {
    ModelLayer& to = layers.emplace_back(ModelLayer{{}, at.str(), layer.describe(), final});
    set_type(std::as_const(layer), to);
    L::visit(StoreParameters{to.parameters}, at, layer);
    split_directions(to);
  });
  return layers;
}

}  // namespace unroll::inline UNROLL_ABI::detail

#if UNROLL_HEADER_ONLY
#include <unroll/io/network_layers.ipp>
#endif
