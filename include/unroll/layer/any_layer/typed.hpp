// From a layer with a type to the interface behind AnyLayer.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <type_traits>

#include <unroll/layer/any_layer/erased.hpp>
#include <unroll/layer/walk_layers.hpp>

namespace unroll::inline UNROLL_ABI::detail {

/// Whether a layer that takes In gives what an AnyBatch can be; true where it does not take it.
template <class L, class In> inline constexpr bool gives_any_batch = true;
template <class L, class In> requires Accepts<L, In>
inline constexpr bool gives_any_batch<L, In> =
    std::is_same_v<typename L::template Output<In>, PackedSequence<typename L::Scalar>> ||
    std::is_same_v<typename L::template Output<In>, Matrix<typename L::Scalar>>;

template <class L> class TypedLayer final : public Held<TypedLayer<L>, ErasedLayer<typename L::Scalar>, L> {
  using T = typename L::Scalar;
  using State = typename StateOf<L>::type;
  using Erased = ErasedLayer<T>;
  using Batch = AnyBatch<T>;

 public:
  using Held<TypedLayer<L>, Erased, L>::Held;

  Batch forward(const Context& context, const Batch& x, LayerCache<T>& c, Carry<AnyState<T>> carry) const override {
    return with_input(x, [&]<class In>(const In& in) {
      auto& cache = cache_of<In>(c);
      if constexpr (requires { cache.want_y; }) cache.want_y = c.want_y;
      return Batch(this->value.forward(context, in, cache, typed(carry)));
    });
  }
  Batch backward(const Batch& x, const Batch& dy, LayerCache<T>& c, Erased& gradient,
                 Carry<AnyState<T>> d) const override {
    L* const to = value_in<TypedLayer>(&gradient);
    if (to == nullptr)
      fail("AnyLayer: the gradient of ", describe(), " is one of another layer, ", gradient.describe());
    return with_input(x, [&]<class In>(const In& in) { return run_backward(in, dy, c, *to, typed(d)); });
  }
  void final_output(const AnyState<T>& state, Matrix<T>& y) const override {
    if constexpr (HasFinalOutput<L>)
      this->value.final_output(*state_in(&state), y);
    else
      refuse_final_state();
  }
  void final_output_backward(const AnyState<T>& state, const Matrix<T>& dy, AnyState<T>& d) const override {
    if constexpr (HasFinalOutput<L>)
      this->value.final_output_backward(*state_in(&state), dy, *state_for(&d));
    else
      refuse_final_state();
  }
  void initialize(const Rng& rng, const Scheme& scheme) override { this->value.initialize(rng, scheme); }
  std::string describe() const override { return this->value.describe(); }
  bool has_state() const override { return !is_stateless<State>; }
  bool takes_tokens() const override {
    if constexpr (requires { this->value.takes_tokens(); })
      return this->value.takes_tokens();
    else
      return Accepts<L, TokenBatch>;
  }
  void visit(const EachOf<ErasedParameter<T>>& each, const Path& at) override {
    const VisitErased<T> f{each};
    L::visit(f, at, this->value);
  }
  void walk_layers(const Path& at, bool final, FunctionRef<const ErasedLeaf<T>&, const Path&, bool> f) override {
    detail::walk_layers(this->value, at, final, [&]<class Leaf>(Leaf& leaf, const Path& here, bool is_final) {
      if constexpr (std::is_same_v<std::remove_const_t<Leaf>, ErasedLeaf<T>>) {
        f(leaf, here, is_final);
      } else {
        const auto walk = [&](const Path& path, const EachOf<ErasedParameter<T>>& each) {
          const VisitErased<T> visitor{each};
          Leaf::visit(visitor, path, leaf);
        };
        LayerData form;
        set_form(leaf, form);
        f({std::move(form), leaf.describe(), walk}, here, is_final);
      }
    });
  }

 private:
  template <class In> using CacheIn = TypedCache<T, typename L::template Cache<In>>;

  /// f(x) for the input that the layer takes.
  template <class F> Batch with_input(const Batch& x, const F& f) const {
    if constexpr (Accepts<L, TokenBatch>)
      if (x.tokens != nullptr) return f(*x.tokens);
    if constexpr (Accepts<L, PackedSequence<T>>)
      if (x.sequences != nullptr) return f(*x.sequences);
    if constexpr (Accepts<L, Matrix<T>>)
      if (x.vectors != nullptr) return f(*x.vectors);
    fail(describe(), ": got ", x.what(), ", expected ",
         Accepts<L, TokenBatch>           ? "token ids"
         : !Accepts<L, PackedSequence<T>> ? "a vector for every sequence"
         : !Accepts<L, Matrix<T>>         ? "a vector for every step: nothing recurrent can follow a FinalState"
                                          : "vectors");
  }
  template <class In> static typename L::template Cache<In>& cache_of(LayerCache<T>& c) {
    if (auto* cache = value_in<CacheIn<In>>(c.held.get())) return *cache;
    c.held = Owned<ErasedCache<T>>(std::make_unique<CacheIn<In>>(typename L::template Cache<In>{}));
    return *value_in<CacheIn<In>>(c.held.get());
  }
  template <class In>
  Batch run_backward(const In& x, const Batch& dy, LayerCache<T>& c, L& gradient, Carry<State> d) const {
    auto* const cache = value_in<CacheIn<In>>(c.held.get());
    if (cache == nullptr) fail(describe(), ": backward without a forward pass of such a batch before it");
    if constexpr (requires { cache->want_dx; }) cache->want_dx = c.want_dx;
    using Output = typename L::template Output<In>;
    if constexpr (TakesNothing<L, In>)
      if (dy.is_nothing()) return Batch(this->value.backward(x, Nothing{}, *cache, gradient, d));
    const auto* const given = dy.template get<Output>();
    if (given == nullptr) fail(describe(), ": dy is ", dy.what(), ", expected ", Batch(cache->output()).what());
    return Batch(this->value.backward(x, *given, *cache, gradient, d));
  }

  // States.
  using HeldState = TypedState<T, State>;
  const State* state_in(const AnyState<T>* state) const {
    if constexpr (is_stateless<State>) {
      return nullptr;
    } else {
      if (state == nullptr) return nullptr;
      const State* const found = value_in<HeldState>(state->held.get());
      if (found == nullptr)
        fail("AnyLayer: the state for ", describe(), " is ",
             state->held.get() == nullptr ? "of no layer yet" : "that of another layer");
      return found;
    }
  }
  State* state_for(AnyState<T>* state) const {
    if constexpr (is_stateless<State>) {
      return nullptr;
    } else {
      if (state == nullptr) return nullptr;
      if (value_in<HeldState>(state->held.get()) == nullptr)
        state->held = Owned<ErasedState<T>>(std::make_unique<HeldState>(State{}));
      return value_in<HeldState>(state->held.get());
    }
  }
  Carry<State> typed(Carry<AnyState<T>> carry) const { return {state_in(carry.in), state_for(carry.out)}; }
  [[noreturn]] void refuse_final_state() const {
    fail("FinalState: ", describe(), " has no state at the end of a sequence: it wraps a recurrent layer");
  }
};

}  // namespace unroll::inline UNROLL_ABI::detail
