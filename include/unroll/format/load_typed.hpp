// A model from its file alone: the structure is its type, sizes and options are the file's.
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <iterator>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <unroll/format/network_file.hpp>
#include <unroll/io/model_file.hpp>
#include <unroll/layer/bidirectional.hpp>
#include <unroll/network/layers.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {

/// The kinds of a model's layers, so that those of cells of one's own are known too.
template <class L> struct KindsOf {
  using type = Kinds<typename L::KindInFiles>;
};
template <class C> struct KindsOf<Bidirectional<C>> {
  using type = Kinds<BidirectionalKind, typename Bidirectional<C>::Layer::KindInFiles>;
};
template <class L> struct KindsOf<FinalState<L>> : KindsOf<L> {};
template <class... Ls> struct KindsOf<Sequential<Ls...>> {
  using type = Kinds<typename KindsOf<Ls>::type...>;
};
template <class... Ls> struct KindsOf<Stack<Ls...>> : KindsOf<Sequential<Ls...>> {};

/// Whether the file of such a model says all of it.
template <class L> inline constexpr bool is_said_by_file = has_kind<L>;
template <class L> inline constexpr bool is_said_by_file<FinalState<L>> = is_said_by_file<L>;
template <class... Ls> inline constexpr bool is_said_by_file<Sequential<Ls...>> = (is_said_by_file<Ls> && ...);
template <class... Ls> inline constexpr bool is_said_by_file<Stack<Ls...>> = (is_said_by_file<Ls> && ...);

/// Makes layers of the types that it is asked for from a network's, one after the other.
class LayersOfFile {
 public:
  explicit LayersOfFile(const Network& network) : network_(network) {}

  template <class L> L make(bool is_final) {
    if constexpr (is_final_state<L>) {
      return L(make<decltype(L::inner)>(true));
    } else if constexpr (HasParts<L>) {
      return make_parts<L>(is_final, static_cast<const PartsOf<L>*>(nullptr));
    } else if constexpr (std::is_same_v<typename L::KindInFiles, BidirectionalKind>) {
      return make_bidirectional<L>(is_final);
    } else {
      using K = typename L::KindInFiles;
      return L{K::template make<typename L::Scalar>(next<K>(is_final))};
    }
  }
  void finish() const {
    require(at_ == network_.layers.size(), "the file has ", network_.layers.size(), " layers, the model ", at_);
  }

 private:
  template <class L, class... P> L make_parts(bool is_final, const std::tuple<P&...>*) {
    return [&]<std::size_t... K>(std::index_sequence<K...>) {  // in this order, because of the braces
      return L{make<std::remove_const_t<P>>(is_final && K + 1 == sizeof...(P))...};
    }(std::index_sequence_for<P...>());
  }
  template <class L> L make_bidirectional(bool is_final) {
    using Part = typename L::Layer::KindInFiles;
    const LayerData& layer = next<BidirectionalKind>(is_final);
    for (const LayerData& part : layer.parts) same_kind(part, Part::name);
    const auto one = Part::template make<typename L::Scalar>(layer.parts.front());
    const auto merge = std::ranges::find(merge_names, layer.word("merge", merge_names[0]));
    return L({one.cell.inputs(), one.cell.units()}, one.options,
             static_cast<Merge>(std::distance(std::begin(merge_names), merge)));
  }
  template <class K> const LayerData& next(bool is_final) {
    require(at_ < network_.layers.size(), "the file has ", at_, " layers, the model has more: ", K::name);
    const LayerData& layer = network_.layers[at_];
    same_kind(layer, K::name);
    require(layer.flag("final_state") == is_final, "layer ", at_, is_final ? " gives" : " does not give",
            " its final state alone in the model, ", is_final ? "and not" : "but", " in the file");
    ++at_;
    return layer;
  }
  void same_kind(const LayerData& layer, std::string_view name) const {
    require(layer.kind->name == name, "layer ", at_, " is ", kind_name(layer), " in the file, ", name, " in the model");
  }

  const Network& network_;
  std::size_t at_ = 0;
};

}  // namespace detail

/// The model that is in the file: M is its structure, Sequential, Stack and FinalState of layers that have a kind (see
/// docs/kinds.md), the library's or one's own; sizes and options are the file's, and what they ask for is bounded by
/// its bytes. Otherwise as `load_model` with a function. Throws FormatError where the file has other layers. The rate
/// of a Dropout is in no file: a model with one is made by a function.
template <class M>
LoadedModel<M> load_model(const std::filesystem::path& path, const std::vector<Tokenizer>& known = {}) {
  constexpr bool is_said = detail::is_said_by_file<M>;
  static_assert(
      is_said,
      "unroll::load_model<M>: a file does not say all of this model (the rate of a Dropout, a wiring, a layer "
      "without a kind): give load_model a function that makes it.");
  if constexpr (is_said) {
    const SafeTensors file = read_safetensors(path);
    const Network network = detail::untested_network(file, kind_table<typename detail::KindsOf<M>::type>());
    return load_model(
        [&](const ModelInfo&) {
          detail::LayersOfFile layers(network);
          M model = layers.make<M>(false);
          layers.finish();
          return model;
        },
        file, known);
  } else {
    return load_model([](const ModelInfo&) -> M { fail("not said"); }, path, known);
  }
}
/// The same for a model of texts: `auto [model, vocabulary] = load<M>(path)`. Throws FormatError where the file has no
/// vocabulary.
template <class M>
LoadedTextModel<M> load(const std::filesystem::path& path, const std::vector<Tokenizer>& known = {}) {
  auto [model, info] = load_model<M>(path, known);
  info.vocabulary_size();
  return {std::move(model), *std::move(info.vocabulary)};
}

}  // namespace unroll::inline UNROLL_ABI
