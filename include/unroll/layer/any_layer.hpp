// A layer whose kind and sizes are known at run time.
#pragma once

#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include <unroll/layer/any_layer/typed.hpp>
#include <unroll/layer/options.hpp>

namespace unroll::inline UNROLL_ABI {

template <class T> class AnyLayer;

namespace detail {
template <class X, class T>
concept AnyInput = Tokens<X> || Vectors<X, T>;
template <class L> inline constexpr bool is_any_layer = false;
template <class T> inline constexpr bool is_any_layer<AnyLayer<T>> = true;

/// What `layer` gave, as the caller's type says.
template <class Y, class T, class L> const Y& given(const AnyBatch<T>& y, const L& layer) {
  const Y* const as = y.template get<Y>();
  if (as == nullptr) fail(layer.describe(), " gives ", y.what(), ", expected ", AnyBatch<T>(Y{}).what());
  return *as;
}
/// What a cache's last forward pass gave; empty where there was none.
template <class Y, class Cache> const Y& output_in(const Cache& c) {
  static const Y none;
  const Y* const y = c.last_output().template get<Y>();
  return y == nullptr ? none : *y;
}
}  // namespace detail

/// Any layer of scalar T, as a value: its type is forgotten, and asked for once in every pass. It takes and gives what
/// that layer does; what it cannot take is refused when it comes, where a layer with a type would not have compiled.
/// The bits, the parameters' paths and all else are that layer's. `AnyLayer<>(Recurrent{Lstm{64, 128}})`;
/// `make_layer("lstm", 64, 128)` (<unroll/network/make_layer.hpp>) knows kinds by name. Copies copy the layer.
template <class T = float> class AnyLayer {
 public:
  using Scalar = T;
  using State = AnyState<T>;
  using KnowsItsLayers = void;
  /// Of sequences, sequences. One that gives vectors of sequences, such as FinalState, stands in an AnySequential.
  template <detail::AnyInput<T> In> using Output = std::conditional_t<is_matrix<In>, In, PackedSequence<T>>;

  template <detail::AnyInput<T> In> struct Cache : detail::LayerCache<T> {
    const Output<In>& output() const { return detail::output_in<Output<In>>(*this); }
  };
  template <class In> using InputGradient = std::conditional_t<Tokens<In>, Nothing, const In&>;

  template <class L> requires(!detail::is_any_layer<L>)
  explicit AnyLayer(L layer) {
    static_assert(detail::assert_layer<L>());
    if constexpr (detail::has_scalar<L> && !detail::CellItself<L>) {
      constexpr bool of_this_scalar =
          std::is_same_v<typename L::Scalar, T>;  // a compiler lists no reasons for a variable
      static_assert(of_this_scalar, "unroll::AnyLayer: a layer here has another scalar than the AnyLayer.");
      constexpr bool takes = Accepts<L, TokenBatch> || Accepts<L, PackedSequence<T>> || Accepts<L, Matrix<T>>;
      static_assert(takes, "unroll::AnyLayer: a layer here takes neither a TokenBatch nor a PackedSequence or Matrix.");
      constexpr bool gives = detail::gives_any_batch<L, TokenBatch> && detail::gives_any_batch<L, PackedSequence<T>> &&
                             detail::gives_any_batch<L, Matrix<T>>;
      static_assert(gives, "unroll::AnyLayer: a layer here gives something else than a PackedSequence or a Matrix.");
      constexpr bool keeps = !detail::has_options<L>();
      static_assert(keeps, "unroll::AnyLayer: a layer here has options (UNROLL_OPTIONS), which files would lack.");
      if constexpr (of_this_scalar && takes && gives && keeps)
        layer_ = detail::Owned<detail::ErasedLayer<T>>(std::make_unique<detail::TypedLayer<L>>(std::move(layer)));
    }
  }

  template <class In>
  const Output<In>& forward(const Context& context, const In& x, Cache<In>& c, Carry<State> carry = {}) const {
    return detail::given<Output<In>>(erased().forward(context, detail::AnyBatch<T>(x), c, carry), *this);
  }
  template <class In>
  InputGradient<In> backward(const In& x, const Output<In>& dy, Cache<In>& c, AnyLayer& gradient,
                             Carry<State> d = {}) const {
    return run_backward(x, detail::AnyBatch<T>(dy), c, gradient, d);
  }
  template <class In>
  InputGradient<In> backward(const In& x, Nothing, Cache<In>& c, AnyLayer& gradient, Carry<State> d = {}) const {
    return run_backward(x, detail::AnyBatch<T>(), c, gradient, d);
  }

  /// What FinalState asks; throws std::invalid_argument where the layer is none that it can wrap.
  void final_output(const State& state, Matrix<T>& y) const { erased().final_output(state, y); }
  void final_output_backward(const State& state, const Matrix<T>& dy, State& d) const {
    erased().final_output_backward(state, dy, d);
  }

  void initialize(Rng rng, const Scheme& scheme) { erased().initialize(rng, scheme); }
  std::string describe() const { return erased().describe(); }
  bool takes_tokens() const { return erased().takes_tokens(); }
  /// The layer, if it is an L; else null.
  template <class L> L* as() { return detail::value_in<detail::TypedLayer<L>>(layer_.get()); }
  template <class L> const L* as() const { return detail::value_in<detail::TypedLayer<L>>(layer_.get()); }

  template <class F, class... Self> static void visit(F&& f, const Path& at, Self&... self) {
    const auto each = [&](const Path& path, const auto&... p) {
      const bool tables = (p.is_table && ...);
      if (!tables && (p.is_table || ...))
        fail("AnyLayer: ", path.str(), " is a table in one of two layers, not in both");
      tables ? f(path, p.template table<Self>()...) : f(path, p.template parameter<Self>()...);
    };
    detail::WalkTogether<detail::ErasedParameter<typename Self::Scalar>...>::run("AnyLayer", each, at,
                                                                                 self.parameters()...);
  }
  template <class F> void walk_layers(const Path& at, bool final, const F& f) const {
    const auto each = [&](const detail::ErasedLeaf<T>& leaf, const Path& here, bool is_final) {
      f(leaf, here, is_final);
    };
    const_cast<AnyLayer&>(*this).erased().walk_layers(at, final, each);
  }

  detail::ErasedLayer<T>& erased() {
    require(layer_.get() != nullptr, "AnyLayer: its layer was moved to another one");
    return *layer_.get();
  }
  const detail::ErasedLayer<T>& erased() const { return const_cast<AnyLayer&>(*this).erased(); }

 private:
  template <class> friend class AnyLayer;

  detail::Owned<detail::ErasedLayer<T>> layer_;

  auto parameters() const {
    return [&of = const_cast<AnyLayer&>(*this).erased()](const Path& at, const auto& each) { of.visit(each, at); };
  }
  template <class In>
  InputGradient<In> run_backward(const In& x, const detail::AnyBatch<T>& dy, Cache<In>& c, AnyLayer& gradient,
                                 Carry<State> d) const {
    const auto dx = erased().backward(detail::AnyBatch<T>(x), dy, c, gradient.erased(), d);
    if constexpr (Tokens<In>)
      return {};
    else
      return *dx.template get<In>();
  }
};
template <class L> AnyLayer(L) -> AnyLayer<typename L::Scalar>;

}  // namespace unroll::inline UNROLL_ABI
