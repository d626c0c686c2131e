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

#include <unroll/layer/parts.hpp>
#include <unroll/layer/tape.hpp>

namespace unroll::inline UNROLL_ABI {

template <class Self, class T = float> struct Composite;

namespace detail {
template <class L>
inline constexpr bool is_composite = requires { requires std::derived_from<L, Composite<L, typename L::Scalar>>; };
/// States of a list of parts.
template <class S> struct StateList {
  std::vector<S> items;
  template <class F, class... Self> static void visit(F&& f, const Path& at, Self&... self) {
    if constexpr (!is_stateless<S>)
      for (std::size_t j = 0; j < std::get<0>(std::tie(self...)).items.size(); ++j)
        S::visit(f, at / static_cast<Index>(j), self.items.at(j)...);
  }
};
template <class P> struct PartState : StateOf<P> {};
template <class P> requires is_list<P>
struct PartState<P> {
  using type = StateList<typename PartState<typename P::value_type>::type>;
};
template <class Parts> struct PartStates;
template <class... P> struct PartStates<std::tuple<P&...>> {
  using type = std::tuple<typename PartState<P>::type...>;
};
}  // namespace detail

/// The states of a composite's parts, by their names.
template <class Self> struct CompositeState {
  typename detail::PartStates<detail::PartsOf<Self>>::type parts;

  template <class F, class... S> static void visit(F&& f, const Path& at, S&... self) {
    [&]<std::size_t... K>(std::index_sequence<K...>) {
      (visit_part<K>(f, at, self...), ...);
    }(std::make_index_sequence<std::tuple_size_v<detail::PartsOf<Self>>>{});
  }

 private:
  template <std::size_t K, class F, class... S> static void visit_part(F& f, const Path& at, S&... self) {
    using State = std::tuple_element_t<K, decltype(parts)>;
    if constexpr (!is_stateless<State>) State::visit(f, detail::part_path<Self>(at, K), std::get<K>(self.parts)...);
  }
};

namespace detail {
template <class S> void copy_state(void* to, const void* from) { *static_cast<S*>(to) = *static_cast<const S*>(from); }
template <class S> void zero_state(void* zero, const void* like) {
  set_zero_like(*static_cast<S*>(zero), *static_cast<const S*>(like));
}
template <class S> void add_state(void* slot, const void* d) {
  static_cast<Slot<S>*>(slot)->add(*static_cast<const S*>(d));
}
/// What a tape does with a part of type L at the borders of a batch, without knowing L.
template <class L> const PartKind& kind_of_part() {
  using S = typename StateOf<L>::type;
  constexpr auto trainable = [](const void* part) { return any_trainable(*static_cast<const L*>(part)); };
  if constexpr (is_stateless<S>) {
    static constexpr PartKind kind{trainable, nullptr, nullptr, nullptr};
    return kind;
  } else {
    static constexpr PartKind kind{trainable, copy_state<S>, zero_state<S>, add_state<S>};
    return kind;
  }
}

/// Goes through all parts, the outer before the inner, and tells `list` of each: a list, a Composite, or a layer with
/// its states, which are null where there are none.
template <class P, class S> void walk_parts(PartList& list, const PartPlace& at, P& part, const S* in, S* out) {
  if constexpr (is_list<P>) {
    if (in != nullptr && in->items.size() != part.size()) refuse_lists("the state", in->items.size(), part.size());
    if (out != nullptr && out->items.size() != part.size()) out->items.resize(part.size());
    const std::ptrdiff_t self = list.add(at, &part, TypeId::of<P>());
    for (std::size_t j = 0; j < part.size(); ++j)
      walk_parts(list, {{}, static_cast<Index>(j), static_cast<Index>(j), self}, part[j],
                 in != nullptr ? &in->items[j] : nullptr, out != nullptr ? &out->items[j] : nullptr);
  } else if constexpr (is_composite<P>) {
    const std::ptrdiff_t self = list.add(at, &part, TypeId::of<P>());
    for_each_part(
        [&](auto k, std::string_view name, auto& inner) {
          walk_parts(list, {name, name.empty() ? static_cast<Index>(k()) : -1, static_cast<Index>(k()), self}, inner,
                     in != nullptr ? &std::get<k()>(in->parts) : nullptr,
                     out != nullptr ? &std::get<k()>(out->parts) : nullptr);
        },
        part);
  } else if constexpr (is_stateless<S>) {
    list.add(at, &part, TypeId::of<P>(), &kind_of_part<P>());
  } else {
    list.add(at, &part, TypeId::of<P>(), &kind_of_part<P>(), in, out);
  }
}

}  // namespace detail

/// `run(embed, x)` calls a part of the model and records that. A part that is called twice shares its weights; the
/// gradients add up. The first call of a part starts from the state that was carried into the batch, unless `from` says
/// where, every other call from zeros; the last call's final state is carried out.
class Wiring {
 public:
  /// Used by Composite. `own` is the number of the entry of the composite that is wired.
  Wiring(Tape& tape, const Context& context, std::ptrdiff_t own) : tape_(tape), context_(context), own_(own) {}

  template <class L, class... X> requires(!detail::is_composite<L>)
  auto operator()(const L& layer, const Node<X>&... x) {
    return call(layer, Node<typename detail::StateOf<L>::type>{}, x...);
  }
  template <class L, class X> requires(!detail::is_composite<L>)
  auto operator()(const L& layer, const Node<X>& x, const From<typename detail::StateOf<L>::type>& start) {
    return call(layer, start.state, x);
  }
  template <class L, class X, class More> requires(!detail::is_composite<L>)
  auto operator()(const L& layer, const Node<X>& x, const Node<More>& more,
                  const From<typename detail::StateOf<L>::type>& start) {
    return call(layer, start.state, x, more);
  }
  /// A composite takes and gives whatever its operator() does; its calls are recorded with this one's.
  template <class L, class... X> requires detail::is_composite<L>
  auto operator()(const L& layer, const X&... x) {
    detail::PartEntry& entry = find(layer);
    const std::ptrdiff_t own = &entry - tape_.parts.data();
    Wiring inner(tape_, tape_.context_of(entry, own_, context_), own);
    ++entry.calls;
    return in_part(own, [&] { return layer(inner, x...); });
  }

  /// Another operation on a part's parameters than its own, whose gradients add up with the part's. F is a value with
  ///   Output<X...>, Cache<X...>
  ///   const Output<X...>& forward(part, x..., cache) const
  ///   backward(part, x..., dy, cache, gradient of the part) const     gradient +=; gives the gradient of x as
  ///   `apply`'s do
  template <class F, class L, class... X> auto borrow(const F& f, const L& layer, const Node<X>&... x) {
    const std::ptrdiff_t number = &find(layer) - tape_.parts.data();
    auto& record = tape_.template next<detail::BorrowCall<F, L, X...>>(number);
    in_part(number, [&] { record.forward(tape_, number, f, layer, x...); });
    return Node<typename F::template Output<X...>>{record.y, &record.dy, &tape_, tape_.reader_of(record)};
  }

 private:
  template <class L, class... X>
  auto call(const L& layer, const Node<typename detail::StateOf<L>::type>& start, const Node<X>&... x) {
    constexpr bool takes = requires { typename L::template Output<X...>; };
    constexpr bool told = (std::same_as<X, Nothing> || ...);  // what gave it was refused
    static_assert(takes || told,
                  "unroll: run: this layer cannot take this input. A recurrent layer needs a PackedSequence of its "
                  "scalar type, an Embedding a TokenBatch.");
    if constexpr (takes) {
      using Y = typename L::template Output<X...>;
      detail::PartEntry& entry = find(layer);
      const std::ptrdiff_t number = &entry - tape_.parts.data();
      auto& record = tape_.template next<detail::LayerCall<L, X...>>(number);
      const Context context = tape_.context_of(entry, own_, context_);
      in_part(number, [&] { record.forward(tape_, entry, layer, context, start, x...); });
      const Node<Y> y{record.y, &record.dy, &tape_, tape_.reader_of(record)};
      if constexpr (is_stateless<typename detail::StateOf<L>::type>)
        return y;
      else
        return Result<L, Y>{y, {&record.last, &record.d_last, &tape_, y.reader}, &layer};
    } else {
      return Node<Nothing>{};
    }
  }
  template <class L> detail::PartEntry& find(const L& layer) {
    detail::PartEntry* const entry = tape_.find(&layer, TypeId::of<L>());
    if (entry == nullptr)
      fail("run: ", layer.describe(), " is not one of the model's parts (UNROLL_PARTS), or a copy of one");
    return *entry;
  }
  template <class F> decltype(auto) in_part(std::ptrdiff_t entry, const F& f) const {
    return detail::in_part([&] { return tape_.path_of(entry, own_); }, f, [](std::string&) {});
  }

  Tape& tape_;
  const Context context_;
  const std::ptrdiff_t own_;
};

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
      c.tape.start(context.gradients);
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
