// How a Composite calls its parts: the states of parts, the one walk that lists them, and the calls themselves.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <unroll/layer/parts.hpp>
#include <unroll/layer/tape_calls.hpp>

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

}  // namespace unroll::inline UNROLL_ABI
