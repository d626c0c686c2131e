// Layers one after the other. What flows between them is in the types, so a stack that would lose the packing does not
// compile.
#pragma once

#include <tuple>
#include <utility>

#include <unroll/layer/parts.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
template <class L, class In> struct Passage {};
template <class... Ps> struct Passages {};
template <class P, class... Ps> Passages<P, Ps...> prepend(Passages<Ps...>);

/// From an In through layers Ls: whether it goes through at all, and if so the type that comes out and the caches.
/// `Taken` are the layers and the inputs that they take, from the first on.
template <class In, class... Ls> struct Flow {
  static constexpr bool ok = true;
  using Taken = Passages<>;
  using Output = In;
  using Caches = std::tuple<>;
  using LastInput = void;
};
template <class In, class L, class... Rest> struct Flow<In, L, Rest...> {
  static constexpr bool ok = false;
  using Taken = Passages<>;
};
template <class In, class L, class... Rest> requires Accepts<L, In>
struct Flow<In, L, Rest...> {
  static constexpr bool ok = false;
  using Taken = decltype(prepend<Passage<L, In>>(typename Flow<typename L::template Output<In>, Rest...>::Taken{}));
};
template <class In, class L, class... Rest>
requires Accepts<L, In> && Passes<L, In> && Flow<typename L::template Output<In>, Rest...>::ok
struct Flow<In, L, Rest...> {
  using Next = Flow<typename L::template Output<In>, Rest...>;
  static constexpr bool ok = true;
  using Taken = decltype(prepend<Passage<L, In>>(typename Next::Taken{}));
  using Output = typename Next::Output;
  using LastInput =
      std::conditional_t<sizeof...(Rest) == 0, In, typename Next::LastInput>;  ///< what the last layer takes
  using Caches = decltype(std::tuple_cat(std::declval<std::tuple<typename L::template Cache<In>>>(),
                                         std::declval<typename Next::Caches>()));
};
/// Sentences about layers that take what comes to them and then lack something.
template <class... Ls, class... Ins> consteval bool assert_layers(Passages<Passage<Ls, Ins>...>) {
  return (assert_layer<Ls, Ins>() && ... && true);
}
template <class... Ls, class... Ins> consteval bool all_pass(Passages<Passage<Ls, Ins>...>) {
  return (Passes<Ls, Ins> && ... && true);
}
template <class... Ls> struct FirstScalar {
  using type = float;  // assert_layer says what is missing
};
template <class L, class... Rest> requires has_scalar<L>
struct FirstScalar<L, Rest...> {
  using type = typename L::Scalar;
};
}  // namespace detail

template <class In, class... Ls>
concept FlowsThrough = detail::Flow<In, Ls...>::ok;
template <class T, class... Ls>
concept Chainable =
    FlowsThrough<TokenBatch, Ls...> || FlowsThrough<PackedSequence<T>, Ls...> || FlowsThrough<Matrix<T>, Ls...>;

/// The states of all layers, Nothing for those without.
template <class... States> struct LayerStates {
  std::tuple<States...> layers;

  template <class F, class... Self> static void visit(F&& f, const Path& at, Self&... self) {
    [&]<std::size_t... K>(std::index_sequence<K...>) {
      (visit_layer<K>(f, at, self...), ...);
    }(std::index_sequence_for<States...>{});
  }

 private:
  template <std::size_t K, class F, class... Self> static void visit_layer(F& f, const Path& at, Self&... self) {
    using Layer = std::tuple_element_t<K, std::tuple<States...>>;
    if constexpr (!is_stateless<Layer>) Layer::visit(f, at / static_cast<Index>(K), std::get<K>(self.layers)...);
  }
};

/// `Sequential model{Embedding{V, 128}, FinalState{Recurrent{Lstm{128, 64}}}, Dense{64, 1}};`
/// Parameters are called `<number of the layer>.<name in the layer>`, as in nn.Sequential.
template <class... Ls> class Sequential {
 public:
  static_assert(sizeof...(Ls) > 0, "unroll::Sequential: there is no layer here.");
  static_assert((detail::assert_layer<Ls>() && ...));
  using Scalar = typename detail::FirstScalar<Ls...>::type;
  static_assert(detail::assert_layers(typename detail::Flow<TokenBatch, Ls...>::Taken{}) &&
                detail::assert_layers(typename detail::Flow<PackedSequence<Scalar>, Ls...>::Taken{}) &&
                detail::assert_layers(typename detail::Flow<Matrix<Scalar>, Ls...>::Taken{}));
  static constexpr bool sound = detail::all_pass(typename detail::Flow<TokenBatch, Ls...>::Taken{}) &&
                                detail::all_pass(typename detail::Flow<PackedSequence<Scalar>, Ls...>::Taken{}) &&
                                detail::all_pass(typename detail::Flow<Matrix<Scalar>, Ls...>::Taken{});
  static constexpr bool chainable = Chainable<Scalar, Ls...>;  // a compiler lists no reasons for a variable
  static_assert(chainable || !sound,
                "unroll::Sequential: a layer cannot take what the layer before it gives. TokenBatch -> Embedding -> "
                "PackedSequence; Recurrent and Bidirectional need a PackedSequence; FinalState ends the sequence and "
                "gives a Matrix, so nothing recurrent can follow it; all layers have one scalar type.");
  static constexpr std::size_t size = sizeof...(Ls);
  template <class In> requires FlowsThrough<In, Ls...>
  using Output = typename detail::Flow<In, Ls...>::Output;
  using State = LayerStates<typename detail::StateOf<Ls>::type...>;

  std::tuple<Ls...> layers;

  template <class In> requires FlowsThrough<In, Ls...>
  struct Cache {
    typename detail::Flow<In, Ls...>::Caches layers;
    bool want_dx = true;  ///< the gradient of x, where x is not token ids
    const auto& output() const { return std::get<size - 1>(layers).output(); }
  };

  /// A variable, because a compiler lists no reasons for one.
  template <class In>
  static constexpr bool last_takes_nothing = detail::TakesNothing<std::tuple_element_t<size - 1, std::tuple<Ls...>>,
                                                                  typename detail::Flow<In, Ls...>::LastInput>;
  template <class In> using InputGradient = std::conditional_t<Tokens<In>, Nothing, const In&>;

  explicit Sequential(Ls... of) : layers(std::move(of)...) {}

  template <std::size_t K> auto& layer() { return std::get<K>(layers); }
  template <std::size_t K> const auto& layer() const { return std::get<K>(layers); }
  auto parts() { return detail::tie_all(layers); }
  auto parts() const { return detail::tie_all(layers); }

  template <class In>
  const Output<In>& forward(const Context& context, const In& x, Cache<In>& c, Carry<State> carry = {}) const {
    return forward_from<0>(context, x, c, carry);
  }
  /// dy is not deduced, so that an Eigen expression becomes an Output here.
  template <class In>
  InputGradient<In> backward(const In& x, const Output<In>& dy, Cache<In>& c, Sequential& gradient,
                             Carry<State> d = {}) const {
    return run_backward(x, dy, c, gradient, d);
  }
  template <class In> requires last_takes_nothing<In>
  InputGradient<In> backward(const In& x, Nothing dy, Cache<In>& c, Sequential& gradient, Carry<State> d = {}) const {
    return run_backward(x, dy, c, gradient, d);
  }

  void initialize(Rng rng, const Scheme& scheme) { detail::initialize_parts(*this, rng, scheme); }
  std::string describe() const { return detail::describe_parts(*this); }
  template <class F, class... Self> static void visit(F&& f, const Path& at, Self&... self) {
    detail::visit_parts(f, at, self...);
  }

 protected:
  template <std::size_t K> using Layer = std::tuple_element_t<K, std::tuple<Ls...>>;

 private:
  template <std::size_t K> static Carry<typename detail::StateOf<Layer<K>>::type> part(Carry<State> c) {
    return {c.in != nullptr ? &std::get<K>(c.in->layers) : nullptr,
            c.out != nullptr ? &std::get<K>(c.out->layers) : nullptr};
  }
  /// For an error about the input of layer K: what gave it.
  template <std::size_t K> auto before() const {
    if constexpr (K == 0)
      return [](std::string&) {};
    else
      return [this](std::string& reason) {
        reason += concat_text("; layer ", K - 1, " before it is ", std::get<K - 1>(layers).describe());
      };
  }
  template <std::size_t K, class X, class C>
  const auto& forward_from(const Context& context, const X& x, C& c, Carry<State> carry) const {
    const auto& y = detail::in_part(
        Part(K),
        [&]() -> const auto& {
          return std::get<K>(layers).forward(context.child(K), x, std::get<K>(c.layers), part<K>(carry));
        },
        before<K>());
    if constexpr (K + 1 == size)
      return y;
    else
      return forward_from<K + 1>(context, y, c, carry);
  }
  /// The gradient of x is worth computing if the caller wants it or something below learns.
  template <std::size_t K> bool trainable_below() const {
    return [&]<std::size_t... Lower>(std::index_sequence<Lower...>) {
      return (any_trainable(std::get<Lower>(layers)) || ... || false);
    }(std::make_index_sequence<K>{});
  }
  template <class In, class Dy, class C>
  InputGradient<In> run_backward(const In& x, const Dy& dy, C& c, Sequential& gradient, Carry<State> d) const {
    check_gradient_shapes("Sequential", *this, gradient);  // of all layers before one of them adds to it
    return backward_from<size - 1>(x, dy, c, gradient, d);
  }
  template <std::size_t K, class In, class Dy, class C>
  InputGradient<In> backward_from(const In& x, const Dy& dy, C& c, Sequential& gradient, Carry<State> d) const {
    const bool go_on = (c.want_dx && !Tokens<In>) || trainable_below<K>() || (K > 0 && d.out != nullptr);
    auto& cache = std::get<K>(c.layers);
    if constexpr (requires { cache.want_dx; }) cache.want_dx = go_on;
    const auto run = [&](const auto& input) -> decltype(auto) {
      return detail::in_part(
          Part(K),
          [&]() -> decltype(auto) {
            return std::get<K>(layers).backward(input, dy, cache, std::get<K>(gradient.layers), part<K>(d));
          },
          before<K>());
    };
    if constexpr (K == 0) {
      return run(x);
    } else {
      const auto& dx = run(std::get<K - 1>(c.layers).output());
      if (go_on) return backward_from<K - 1>(x, dx, c, gradient, d);
      if constexpr (Tokens<In>)
        return {};
      else
        return x;  // nobody reads it
    }
  }
};

}  // namespace unroll::inline UNROLL_ABI
