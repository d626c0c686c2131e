// A model of any wiring, written as its forward pass alone:
//   struct Tagger : Composite<Tagger> {
//     Embedding<> embed{20'000, 100};
//     Bidirectional<Lstm<>> read{Lstm{100, 64}};
//     Dense<> head{128, 17};
//     UNROLL_PARTS(embed, read, head)
//     auto operator()(Wiring& run, Node<TokenBatch> x) const { return run(head, run(read, run(embed, x))); }
//   };
// The layers keep the backward that was written for them by hand: what was called is recorded and gone through again
// from the last call to the first.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <unroll/layer/wiring.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
template <class X> inline constexpr bool is_node = requires { typename X::Value; };
/// What a wiring gives for an input; no `type` where it does not take it.
template <class Self, class... X> struct Outcome {};
template <class Self, class... X>
requires requires(const Self& model, Wiring& run, const Node<X>&... x) { model(run, x...); }
struct Outcome<Self, X...> {
  using Given = std::remove_cvref_t<decltype(std::declval<const Self&>()(std::declval<Wiring&>(), Node<X>{}...))>;
  static constexpr bool gives_node = is_node<Given>;
  using type = typename std::conditional_t<gives_node, Given, Node<Nothing>>::Value;
};
template <class Self, class... X> struct Outcome<Self, Inputs<X...>> : Outcome<Self, X...> {};

/// The gradient of an input, or of several.
template <class X> struct InputGradientOf {
  using type = std::conditional_t<Tokens<X>, Nothing, const X&>;
};
template <class... X> struct InputGradientOf<Inputs<X...>> {
  using type = std::tuple<typename InputGradientOf<X>::type...>;
};
template <class X> struct InputSlots {
  using type = std::tuple<Slot<X>>;
};
template <class... X> struct InputSlots<Inputs<X...>> {
  using type = std::tuple<Slot<X>...>;
};
template <class X> typename InputGradientOf<X>::type gradient_of(Slot<X>& slot, const X& x) {
  if constexpr (Tokens<X>)
    return {};
  else
    return slot.get_or_zero(x);
}
}  // namespace detail

/// The base of a model or a part that is written as its forward pass (see the top of this file). Self is default
/// constructible or not, copyable, and has
///   UNROLL_PARTS(names..)
///   auto operator()(Wiring& run, Node<In> x) const     named input types, so that they are the contract; of several
///   nodes
///                                                      it is a model of Inputs<..>; a part may give a struct of nodes
/// A part keeps its name in files and errors: `pool.hidden.weight`. The batch given to `backward` is the very object
/// that was given to `forward`. T is the scalar type.
template <class Self, class T> struct Composite {
  using Scalar = T;
  using State = CompositeState<Self>;
  template <class In> using Output = typename detail::Outcome<Self, In>::type;

  template <class In> struct Cache {
    Tape tape;
    typename detail::InputSlots<In>::type inputs;
    const In* x = nullptr;
    Node<Output<In>> y;
    bool want_dx = true;
    const Output<In>& output() const { return *y.value; }
  };

  template <class In>
  const Output<In>& forward(const Context& context, const In& x, Cache<In>& c, Carry<State> carry = {}) const {
    constexpr bool gives_node = detail::Outcome<Self, In>::gives_node;
    static_assert(gives_node,
                  "unroll::Composite: operator() of a model gives one Node; of a part it may give anything.");
    if constexpr (detail::AssertParts<Self>::named && gives_node) {
      detail::with_inputs(x, [](const auto&... each) { (check_columns("Composite", each), ...); });
      c.x = nullptr;
      c.y = {};
      c.tape.start(context);
      detail::PartList parts(c.tape.parts, false);
      detail::walk_parts(parts, {}, const_cast<Self&>(self()), carry.in, carry.out);
      Wiring run(c.tape, context, 0);
      detail::with_inputs(x, [&]<class... X>(const X&... each) {
        std::apply([&](auto&... slot) { c.y = self()(run, Node<X>{&each, &slot, &c.tape}...); }, c.inputs);
      });
      if (carry.out != nullptr) c.tape.take_states();
      c.x = &x;
    }
    return *c.y.value;
  }

  template <class In> using InputGradient = typename detail::InputGradientOf<In>::type;
  /// dy is not deduced, so that an Eigen expression becomes an Output here.
  template <class In>
  InputGradient<In> backward(const In& x, const Output<In>& dy, Cache<In>& c, Self& gradient,
                             Carry<State> d = {}) const {
    return run_backward(x, &dy, c, gradient, d);
  }
  template <class In>
  InputGradient<In> backward(const In& x, Nothing, Cache<In>& c, Self& gradient, Carry<State> d = {}) const {
    return run_backward(x, static_cast<const Output<In>*>(nullptr), c, gradient, d);
  }

  void initialize(Rng rng, const Scheme& scheme) { detail::initialize_parts(self(), rng, scheme); }
  std::string describe() const { return detail::describe_parts(self()); }
  template <class F, class... M> static void visit(F&& f, const Path& at, M&... m) { detail::visit_parts(f, at, m...); }

 private:
  Self& self() { return static_cast<Self&>(*this); }
  const Self& self() const { return static_cast<const Self&>(*this); }

  template <class In>
  InputGradient<In> run_backward(const In& x, const Output<In>* dy, Cache<In>& c, Self& gradient,
                                 Carry<State> d) const {
    require(c.x == &x && c.tape.parts.front().self == &self(),
            "Composite: backward without a forward pass of the same batch, the very same object, before it");
    require(c.tape.keeps(),
            "Composite: backward without a forward pass before it that kept its gradients "
            "(Context::gradients)");
    check_gradient_shapes("Composite", self(), gradient);  // of all parts before one of them adds to it
    std::apply([&]<class... X>(Slot<X>&... slot) { (slot.reset(c.want_dx && !Tokens<X>), ...); }, c.inputs);
    detail::PartList parts(c.tape.parts, true);
    detail::walk_parts(parts, {}, gradient, d.in, d.out);
    c.tape.plan();
    if (dy != nullptr) c.y.gradient->add(*dy);
    c.tape.backward();
    if constexpr (is_inputs<In>)
      return detail::with_inputs(x, [&](const auto&... each) {
        return std::apply([&](auto&... slot) { return InputGradient<In>{detail::gradient_of(slot, each)...}; },
                          c.inputs);
      });
    else
      return detail::gradient_of(std::get<0>(c.inputs), x);
  }
};

/// What a part of the model gave when it was last called, for example
/// `output_of<PackedSequence<>>(cache, model.read)`; valid until the next forward pass. Throws where it was not called
/// or gave something else.
template <class Y, class Cache, class L> const Y& output_of(Cache& cache, const L& part) {
  const detail::PartEntry* const entry = cache.tape.find(&part, TypeId::of<L>());
  require(entry != nullptr && entry->y != nullptr, "output_of: ", part.describe(),
          " was not called in the last forward pass, or is no part of that model");
  require(entry->y_type == TypeId::of<Y>(), "output_of: ", part.describe(), " gave something of another type");
  return *static_cast<const Y*>(entry->y);
}

}  // namespace unroll::inline UNROLL_ABI
