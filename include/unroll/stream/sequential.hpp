// Layers of a stream one after the other: a model whose sizes are all known to the compiler.
#pragma once

#include <tuple>
#include <utility>

#include <unroll/kind/identity_in_inference.hpp>
#include <unroll/stream/layer.hpp>

namespace unroll::inline UNROLL_ABI {
namespace detail {

/// References to the layers inside, in order: of a trained model those that leave something for a stream to do.
template <class Layer> constexpr auto leaves(Layer& layer) {
  if constexpr (requires { layer.parts(); }) {
    return std::apply([](auto&... part) { return std::tuple_cat(leaves(part)...); }, layer.parts());
  } else if constexpr (is_identity_in_inference<Layer>) {
    return std::tuple<>();
  } else {
    return std::tuple<Layer&>(layer);
  }
}
template <class Layer>
inline constexpr bool is_bidirectional = requires(const Layer& layer) {
  layer.forward_layer;
  layer.reverse_layer;
};

template <class L>
inline constexpr bool can_stream = requires(const L& layer) {
  typename L::State;
  typename L::Input;
  layer.initial_state();
  requires std::is_nothrow_copy_constructible_v<typename L::State>;
};

/// In the place of what is none, so that nothing more is said about it.
struct NoStreamLayer {
  using Scalar = float;
  using Input = float;
  using State = stream::Empty;
  static constexpr Index inputs = 1;
  template <Index> static constexpr Index outputs = 1;
};
template <class L> using StreamLayer = std::conditional_t<can_stream<L>, L, NoStreamLayer>;

/// Do the widths fit, given the number of values that come in?
template <Index D> constexpr bool widths_fit() { return true; }
template <Index D, class L, class... Rest> constexpr bool widths_fit() {
  return (L::inputs == 0 || L::inputs == D) && widths_fit<L::template outputs<D>, Rest...>();
}
template <Index D> constexpr Index outputs_through() { return D; }
template <Index D, class L, class... Rest> constexpr Index outputs_through() {
  return outputs_through<L::template outputs<D>, Rest...>();
}

}  // namespace detail
namespace stream {

/// `Sequential<Recurrent<Lstm<>, 1, 20>, Dense<20, 1>>`. Holds the weights and nothing that changes: any number of
/// states may run over one of it, in any threads.
template <class... Ls> class Sequential {
  static_assert(((sizeof(Ls) > 0) && ...));  // what is wrong inside one is said first
  using First = detail::StreamLayer<std::tuple_element_t<0, std::tuple<Ls..., Empty>>>;
  static constexpr bool all_stream = sizeof...(Ls) > 0 && (detail::can_stream<Ls> && ...);

 public:
  using Scalar = typename First::Scalar;
  using Input = typename First::Input;
  static constexpr Index inputs = First::inputs;
  template <Index> static constexpr Index outputs = detail::outputs_through<inputs, detail::StreamLayer<Ls>...>();
  static constexpr std::size_t size = sizeof...(Ls);
  using State = std::tuple<typename detail::StreamLayer<Ls>::State...>;

  std::tuple<detail::StreamLayer<Ls>...> layers;

  constexpr Sequential() = default;
  constexpr explicit Sequential(Ls... of) requires(sizeof...(Ls) > 0)
      : layers(std::move(of)...) {}

  constexpr auto parts() {
    return std::apply([](auto&... layer) { return std::tie(layer...); }, layers);
  }
  template <std::size_t K> constexpr auto& layer() { return std::get<K>(layers); }
  template <std::size_t K> constexpr const auto& layer() const { return std::get<K>(layers); }

  /// Takes the weights of a trained model: its layers in order, without dropout, FinalState standing for what it wraps.
  template <class Model> void assign(const Model& model) {
    const auto from = detail::leaves(model);
    const auto to = detail::leaves(*this);
    constexpr std::size_t count = std::tuple_size_v<std::remove_const_t<decltype(to)>>;
    constexpr bool ahead = []<class... From>(const std::tuple<From...>*) {
      return !(detail::is_bidirectional<From> || ...);
    }(static_cast<decltype(&from)>(nullptr));
    static_assert(ahead,
                  "unroll::stream: a bidirectional layer cannot stream: it reads its sequence from the end, too.");
    constexpr bool same_size = !ahead || std::tuple_size_v<std::remove_const_t<decltype(from)>> == count;
    static_assert(same_size, "unroll::stream::Sequential: the trained model has another number of layers.");
    if constexpr (ahead && same_size)
      [&]<std::size_t... K>(std::index_sequence<K...>) {
        (std::get<K>(to).assign(std::get<K>(from)), ...);
      }(std::make_index_sequence<count>());
  }

  constexpr State initial_state() const {
    return std::apply([](const auto&... layer) { return State{layer.initial_state()...}; }, layers);
  }

  template <class Isa, Index>
  UNROLL_INLINE void run(State& state, const Input* x, Index x_stride, Scalar* y, Index n) const {
    run_from<Isa, 0, inputs>(state, x, x_stride, y, n);
  }

 private:
  template <class Isa, std::size_t K, Index D, class In>
  UNROLL_INLINE void run_from(State& state, const In* x, Index x_stride, Scalar* y, Index n) const {
    using L = std::tuple_element_t<K, std::tuple<Ls...>>;
    if constexpr (K + 1 == size) {
      std::get<K>(layers).template run<Isa, D>(std::get<K>(state), x, x_stride, y, n);
    } else {
      constexpr Index out = L::template outputs<D>, stride = detail::stride_for(out);
      alignas(64) Scalar between[static_cast<std::size_t>(stride * detail::stream_chunk)];
      std::get<K>(layers).template run<Isa, D>(std::get<K>(state), x, x_stride, between, n);
      run_from<Isa, K + 1, out>(state, between, stride, y, n);
    }
  }

  // Last: clang reads nothing after one that fails, and would miss what comes.
  static_assert(all_stream,
                "unroll::stream::Sequential: a layer here is not one of stream/. A bidirectional layer cannot stream: "
                "it reads its sequence from the end, too.");
  static constexpr bool one_scalar =
      !all_stream || (std::is_same_v<Scalar, typename detail::StreamLayer<Ls>::Scalar> && ...);
  static_assert(one_scalar, "unroll::stream::Sequential: all layers have one scalar type.");
  static_assert(inputs > 0,
                "unroll::stream::Sequential: an activation cannot be first: nothing says how many values it takes.");
  static constexpr bool fits = !all_stream || inputs == 0 || detail::widths_fit<inputs, detail::StreamLayer<Ls>...>();
  static_assert(fits, "unroll::stream::Sequential: a layer does not take as many values as the one before it gives.");
};

/// y = f(x) + x, f being layers one after the other: value i of the input is added to value i of the output.
template <class... Ls> class Skip {
 public:
  using Inner = Sequential<Ls...>;
  using Scalar = typename Inner::Scalar;
  using Input = typename Inner::Input;
  using State = typename Inner::State;
  static constexpr Index inputs = Inner::inputs;
  template <Index D> static constexpr Index outputs = Inner::template outputs<D>;

  Inner inner;

  constexpr Skip() = default;
  constexpr explicit Skip(Ls... of) requires(sizeof...(Ls) > 0)
      : inner(std::move(of)...) {}
  constexpr auto parts() { return inner.parts(); }
  template <class Model> void assign(const Model& model) { inner.assign(model); }

  constexpr State initial_state() const { return inner.initial_state(); }
  template <class Isa, Index D>
  UNROLL_INLINE void run(State& state, const Input* x, Index x_stride, Scalar* y, Index n) const {
    constexpr Index out = outputs<D>, stride = detail::stride_for(out);
    inner.template run<Isa, D>(state, x, x_stride, y, n);
    for (Index t = 0; t < n; ++t)
      for (Index k = 0; k < out; ++k) y[t * stride + k] += x[t * x_stride + k];
  }

  static constexpr bool adds_up = std::is_same_v<Input, Scalar> && outputs<inputs> <= inputs;
  static_assert(adds_up,
                "unroll::stream::Skip: adds the input to the output, so there are no more outputs than inputs.");
};

}  // namespace stream
}  // namespace unroll::inline UNROLL_ABI
