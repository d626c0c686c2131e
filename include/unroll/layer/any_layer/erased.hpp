// The interface behind AnyLayer: a batch, a state, a cache and a layer whose types are known at run time.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <type_traits>

#include <unroll/core/owned.hpp>
#include <unroll/kind/layer_data.hpp>
#include <unroll/layer/any_layer/walk.hpp>
#include <unroll/layer/layer.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {

/// What flows between layers: one of these, which somebody else owns, or nothing.
template <class T> struct AnyBatch {
  const TokenBatch* tokens = nullptr;
  const PackedSequence<T>* sequences = nullptr;
  const Matrix<T>* vectors = nullptr;

  AnyBatch() = default;
  explicit AnyBatch(Nothing) {}
  explicit AnyBatch(const TokenBatch& x) : tokens(&x) {}
  explicit AnyBatch(const PackedSequence<T>& x) : sequences(&x) {}
  explicit AnyBatch(const Matrix<T>& x) : vectors(&x) {}

  bool is_nothing() const { return tokens == nullptr && sequences == nullptr && vectors == nullptr; }
  /// Null where it is something else.
  template <class X> const X* get() const {
    if constexpr (Tokens<X>)
      return tokens;
    else if constexpr (is_packed<X>)
      return sequences;
    else
      return vectors;
  }
  std::string_view what() const {
    return tokens != nullptr      ? "token ids"
           : sequences != nullptr ? "a vector for every step"
           : vectors != nullptr   ? "a vector for every sequence"
                                  : "nothing";
  }
};

template <class T> class ErasedState {
 public:
  virtual ~ErasedState() = default;
  virtual std::unique_ptr<ErasedState> clone() const = 0;
  virtual bool assign(const ErasedState& other) = 0;
  virtual TypeId type() const = 0;
  virtual void visit(const EachOf<Matrix<T>*>& each, const Path& at) = 0;
};
template <class T, class S> class TypedState final : public Held<TypedState<T, S>, ErasedState<T>, S> {
 public:
  using Held<TypedState<T, S>, ErasedState<T>, S>::Held;
  void visit(const EachOf<Matrix<T>*>& each, const Path& at) override {
    S::visit([&](const Path& path, Matrix<T>& field) { each(path, &field); }, at, this->value);
  }
};

}  // namespace detail

/// What an AnyLayer carries from one window to the next. Made by {} it is of no layer yet: the forward pass that is
/// given it to write to makes it its layer's. `visit_state`, `reset_state` and `select_state` see its matrices.
template <class T> struct AnyState {
  using Scalar = T;
  detail::Owned<detail::ErasedState<T>> held;

  template <class F, class... Self> static void visit(F&& f, const Path& at, Self&... self) {
    const auto each = [&](const Path& path, auto* const&... field) { f(path, static_cast<FieldOf<Self>&>(*field)...); };
    detail::WalkTogether<Matrix<typename Self::Scalar>*...>::run("AnyState", each, at, walk_over(self)...);
  }

 private:
  template <class Self>
  using FieldOf =
      std::conditional_t<std::is_const_v<Self>, const Matrix<typename Self::Scalar>, Matrix<typename Self::Scalar>>;
  template <class Self> static auto walk_over(Self& self) {
    return [held = const_cast<detail::ErasedState<typename Self::Scalar>*>(self.held.get())](const Path& at,
                                                                                             const auto& each) {
      if (held != nullptr) held->visit(each, at);
    };
  }
};

namespace detail {

template <class T> class ErasedCache {
 public:
  virtual ~ErasedCache() = default;
  virtual std::unique_ptr<ErasedCache> clone() const = 0;
  virtual bool assign(const ErasedCache& other) = 0;
  virtual TypeId type() const = 0;
  virtual AnyBatch<T> output() const = 0;
};
template <class T, class C> class TypedCache final : public Held<TypedCache<T, C>, ErasedCache<T>, C> {
 public:
  using Held<TypedCache<T, C>, ErasedCache<T>, C>::Held;
  AnyBatch<T> output() const override { return AnyBatch<T>(this->value.output()); }
};
/// What a layer keeps of a batch; made at its first forward pass.
template <class T> struct LayerCache {
  Owned<ErasedCache<T>> held;
  bool want_y = true, want_dx = true;

  AnyBatch<T> last_output() const { return held.get() == nullptr ? AnyBatch<T>() : held.get()->output(); }
};

/// A layer as files know it: not one that is made of layers. `form` has no kind where the layer has none.
template <class T> struct ErasedLeaf {
  using Scalar = T;
  LayerData form;
  std::string text;
  WalkOver<ErasedParameter<T>> walk;

  const std::string& describe() const { return text; }
  template <class F> static void visit(F&& f, const Path& at, const ErasedLeaf& self) {
    const auto each = [&](const Path& path, const ErasedParameter<T>& p) {
      p.is_table ? f(path, p.template table<T>()) : f(path, p.template parameter<T>());
    };
    self.walk(at, each);
  }
};

/// What AnyLayer asks of its layer.
template <class T> class ErasedLayer {
 public:
  virtual ~ErasedLayer() = default;
  virtual std::unique_ptr<ErasedLayer> clone() const = 0;
  virtual bool assign(const ErasedLayer& other) = 0;
  virtual TypeId type() const = 0;

  virtual AnyBatch<T> forward(const Context& context, const AnyBatch<T>& x, LayerCache<T>& c,
                              Carry<AnyState<T>> carry) const = 0;
  /// dy may be nothing, where the layer takes that. Gives nothing for token ids.
  virtual AnyBatch<T> backward(const AnyBatch<T>& x, const AnyBatch<T>& dy, LayerCache<T>& c, ErasedLayer& gradient,
                               Carry<AnyState<T>> d) const = 0;
  virtual void final_output(const AnyState<T>& state, Matrix<T>& y) const = 0;
  virtual void final_output_backward(const AnyState<T>& state, const Matrix<T>& dy, AnyState<T>& d) const = 0;
  virtual void initialize(const Rng& rng, const Scheme& scheme) = 0;
  virtual std::string describe() const = 0;
  virtual bool has_state() const = 0;
  virtual bool takes_tokens() const = 0;
  virtual void visit(const EachOf<ErasedParameter<T>>& each, const Path& at) = 0;
  /// f for every layer that it is made of, itself where it is one; see walk_layers.
  virtual void walk_layers(const Path& at, bool final, FunctionRef<const ErasedLeaf<T>&, const Path&, bool> f) = 0;
};

}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
