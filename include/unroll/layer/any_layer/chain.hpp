// Layers one after the other behind one interface: what AnySequential and AnyStack have in common.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <unroll/layer/any_layer.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
/// f(k, the k-th of each list), of lists that are equally long.
template <class F, class First, class... More>
void for_each_side_by_side(std::string_view who, const F& f, First& first, More&... more) {
  [[maybe_unused]] const auto check = [&](std::size_t size) {
    require(size == first.size(), who, ": one has ", first.size(), " layers, another ", size);
  };
  (check(more.size()), ...);
  for (std::size_t k = 0; k < first.size(); ++k) f(k, first[k], more[k]...);
}
}  // namespace detail

/// The states of all layers of a chain; made by {} it is of no chain yet.
template <class T> struct AnyStates {
  std::vector<AnyState<T>> layers;

  template <class F, class... Self> static void visit(F&& f, const Path& at, Self&... self) {
    detail::for_each_side_by_side(
        "AnyStates",
        [&](std::size_t k, auto&... state) {
          const Path here = at / static_cast<Index>(k);
          AnyState<T>::visit(f, here, state...);
        },
        self.layers...);
  }
};

namespace detail {

template <class T> struct ChainCache {
  std::vector<LayerCache<T>> layers;
  bool want_dx = true;  ///< the gradient of x, where x is not token ids

  AnyBatch<T> last_output() const { return layers.empty() ? AnyBatch<T>() : layers.back().last_output(); }
};

template <class T>
UNROLL_API AnyBatch<T> forward_chain(const std::vector<AnyLayer<T>>& layers, const Context& context, AnyBatch<T> x,
                                     ChainCache<T>& c, Carry<AnyStates<T>> carry);
/// `gradient` has been checked.
template <class T>
UNROLL_API AnyBatch<T> backward_chain(const std::vector<AnyLayer<T>>& layers, const AnyBatch<T>& x, AnyBatch<T> dy,
                                      ChainCache<T>& c, std::vector<AnyLayer<T>>& gradient, Carry<AnyStates<T>> d);

/// The states of all layers; one to read from has as many as there are layers.
template <class T> Carry<AnyStates<T>> checked_states(Carry<AnyStates<T>> carry, std::size_t layers) {
  if (carry.in != nullptr && carry.in->layers.size() != layers)
    fail("a state of ", carry.in->layers.size(), " layers for ", layers);
  if (carry.out != nullptr) carry.out->layers.resize(layers);
  return carry;
}
template <class T> Carry<AnyState<T>> state_of_layer(Carry<AnyStates<T>> c, std::size_t k) {
  return {c.in != nullptr ? &c.in->layers[k] : nullptr, c.out != nullptr ? &c.out->layers[k] : nullptr};
}
/// f() of the k-th layer: its errors say so and, where one is about a width, what gave it.
template <class T, class F> decltype(auto) in_layer(const std::vector<AnyLayer<T>>& layers, std::size_t k, const F& f) {
  return in_part(Part(k), f, [&](std::string& reason) {
    if (k > 0) reason += concat_text("; layer ", k - 1, " before it is ", layers[k - 1].describe());
  });
}

template <class T>
AnyBatch<T> forward_chain(const std::vector<AnyLayer<T>>& layers, const Context& context, AnyBatch<T> x,
                          ChainCache<T>& c, Carry<AnyStates<T>> carry) {
  require(!layers.empty(), "AnySequential: there is no layer here");
  checked_states(carry, layers.size());
  c.layers.resize(layers.size());
  for (std::size_t k = 0; k < layers.size(); ++k)
    x = in_layer(layers, k, [&] {
      return layers[k].erased().forward(context.child(k), x, c.layers[k], state_of_layer(carry, k));
    });
  return x;
}
template <class T>
AnyBatch<T> backward_chain(const std::vector<AnyLayer<T>>& layers, const AnyBatch<T>& x, AnyBatch<T> dy,
                           ChainCache<T>& c, std::vector<AnyLayer<T>>& gradient, Carry<AnyStates<T>> d) {
  require(!layers.empty() && c.layers.size() == layers.size(),
          "AnySequential: backward without a forward pass of the same batch before it");
  checked_states(d, layers.size());
  std::size_t lowest = 0;  // that learns
  while (lowest < layers.size() && !any_trainable(layers[lowest])) ++lowest;
  for (std::size_t k = layers.size(); k-- > 0;) {
    // The gradient of what layer k takes is worth computing if the caller wants it or something below learns.
    const bool go_on = (c.want_dx && x.tokens == nullptr) || lowest < k || (k > 0 && d.out != nullptr);
    c.layers[k].want_dx = go_on;
    dy = in_layer(layers, k, [&] {
      return layers[k].erased().backward(k == 0 ? x : c.layers[k - 1].last_output(), dy, c.layers[k],
                                         gradient[k].erased(), state_of_layer(d, k));
    });
    if (!go_on) break;
  }
  return dy;
}

#define UNROLL_ANY_CHAIN_INSTANCES(DECLARE, T)                                                                         \
  DECLARE AnyBatch<T> forward_chain(const std::vector<AnyLayer<T>>&, const Context&, AnyBatch<T>, ChainCache<T>&,      \
                                    Carry<AnyStates<T>>);                                                              \
  DECLARE AnyBatch<T> backward_chain(const std::vector<AnyLayer<T>>&, const AnyBatch<T>&, AnyBatch<T>, ChainCache<T>&, \
                                     std::vector<AnyLayer<T>>&, Carry<AnyStates<T>>);
#if !UNROLL_HEADER_ONLY
UNROLL_ANY_CHAIN_INSTANCES(extern template, float)
UNROLL_ANY_CHAIN_INSTANCES(extern template, double)
#endif

}  // namespace detail

/// The base of AnySequential and AnyStack, whose part_path says what the layers are called. Not in `detail`, or calls
/// with a model would find what is there.
template <class Self, class T> class AnyChain {
 public:
  using Scalar = T;
  using State = AnyStates<T>;
  using KnowsItsLayers = void;

  std::vector<AnyLayer<T>> layers;

  /// Puts a layer behind those that there are: one with a type, or an AnyLayer.
  template <class L> Self& add(L layer) {
    layers.push_back(AnyLayer<T>(std::move(layer)));
    return static_cast<Self&>(*this);
  }
  std::size_t size() const { return layers.size(); }
  bool takes_tokens() const { return !layers.empty() && layers.front().takes_tokens(); }

  /// The same seed gives the bits that a Sequential of these layers has.
  void initialize(Rng rng, const Scheme& scheme) {
    for (std::size_t k = 0; k < layers.size(); ++k) layers[k].initialize(rng.child(k), scheme);
  }
  template <class F, class... Chains> static void visit(F&& f, const Path& at, Chains&... chain) {
    detail::for_each_side_by_side(
        Self::who,
        [&]<class First, class... More>(std::size_t k, First& first, More&... more) {
          const Path here = first_of(chain...).part_path(at, k);
          std::remove_const_t<First>::visit(f, here, first, more...);
        },
        chain.layers...);
  }
  template <class F> void walk_layers(const Path& at, bool final, const F& f) const {
    for (std::size_t k = 0; k < layers.size(); ++k) {
      const Path here = static_cast<const Self&>(*this).part_path(at, k);
      layers[k].walk_layers(here, final && k + 1 == layers.size(), f);
    }
  }

 protected:
  std::string describe_layers() const {
    std::string text;
    for (std::size_t k = 0; k < layers.size(); ++k) text += concat_text(k > 0 ? ", " : "", layers[k].describe());
    return text;
  }

 private:
  template <class First, class... More> static const First& first_of(const First& first, const More&...) {
    return first;
  }
};

}  // namespace unroll::inline UNROLL_ABI
