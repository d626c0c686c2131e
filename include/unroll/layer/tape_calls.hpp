// The records on a tape: of a layer, of what lends a layer its parameters, of a function.
#pragma once

#include <cstddef>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <unroll/layer/tape.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
/// What backward of a layer or a function gave, to those it is the gradient of: one, or a tuple of them.
inline void give(Nothing, const auto&...) {}
template <class D> void give(const D& d, const Node<D>& in) {
  if (in.wanted()) in.gradient->add(d);
}
template <class... D, class... X> void give(const std::tuple<const D&...>& d, const Node<X>&... in) {
  std::apply([&](const auto&... each) { (give(each, in), ...); }, d);
}

template <class... X> std::vector<const void*> addresses(const std::tuple<Node<X>...>& x) {
  return std::apply([](const auto&... in) { return std::vector<const void*>{in.value...}; }, x);
}

template <class... X> bool any_wanted(const std::tuple<Node<X>...>& x) {
  return std::apply([](const auto&... in) { return (in.wanted() || ...); }, x);
}

/// After an inference pass through a call: it reads its inputs no more, if what it gave lies in the call and not in one
/// of them.
template <class C, class... X> void forget_inputs(const C& call, const void* y, std::tuple<Node<X>...>& x) {
  const std::less<const void*> before;
  if (!before(y, &call) && before(y, &call + 1)) x = {};
}

/// A call of a part.
template <class L, class... X> class LayerCall final : public Call {
 public:
  using Y = typename L::template Output<X...>;
  using State = typename StateOf<L>::type;

  const Y* y = nullptr;
  State last{};
  Slot<Y> dy;
  Slot<State> d_last;

  void forward(Tape& tape, PartEntry& part, const L& layer, const Context& context, Node<State> start,
               const Node<X>&... x) {
    layer_ = &layer;
    tape_ = &tape;
    part_ = &part - tape.parts.data();
    x_ = {x...};
    start_ = start;
    is_first_ = part.calls++ == 0 && (start.value == nullptr || tape.goes_on());
    const State* from = is_first_ ? static_cast<const State*>(part.start) : start.value;
    y = &layer.forward(context, *x.value..., cache_, Carry<State>{from, &last});
    part.y = y;
    part.y_type = TypeId::of<Y>();
    part.last = &last;
    part.d_last = &d_last;
    if (tape.keeps()) return;
    part.of_last_call = tape.reader_of(*this);
    start_ = {};
    forget_inputs(*this, y, x_);
  }
  CallForm form() const override {
    CallForm form{.part = part_, .inputs = addresses(x_), .output = y, .is_started = start_.value != nullptr};
    if constexpr (!is_stateless<State>) form.state = &last;
    return form;
  }
  void forget() override { x_ = {}, start_ = {}; }
  void plan() override {
    input_wanted_ = any_wanted(x_);
    const bool wanted =
        input_wanted_ || start_.wanted() || entry().trainable || (is_first_ && entry().d_start != nullptr);
    dy.reset(wanted);
    d_last.reset(wanted);
  }
  void backward() override {
    if (!dy.wanted() || (dy.get() == nullptr && d_last.get() == nullptr)) return;
    if constexpr (requires { cache_.want_dx; }) cache_.want_dx = input_wanted_;
    State* d_start = start_.wanted() ? &d_start_ : nullptr;
    if (is_first_) d_start = static_cast<State*>(entry().d_start), entry().has_d_start = true;
    const Carry<State> carry{d_last.get(), d_start};
    if constexpr (TakesNothing<L, X...>) {
      if (dy.get() == nullptr)
        run(Nothing{}, carry);
      else
        run(*dy.get(), carry);
    } else {
      run(dy.get_or_zero(*y), carry);
    }
    if (start_.wanted()) start_.gradient->add(d_start_);
  }
  std::ptrdiff_t part() const override { return part_; }

 private:
  PartEntry& entry() const { return tape_->parts[static_cast<std::size_t>(part_)]; }
  template <class D> void run(const D& d, Carry<State> carry) {
    std::apply(
        [&](const auto&... in) {
          using Given = decltype(layer_->backward(*in.value..., d, cache_, *static_cast<L*>(nullptr), carry));
          static_assert(std::is_reference_v<Given> || !is_values<std::remove_cvref_t<Given>>,
                        "unroll: backward of a layer here gives a copy: the gradient of x lives in its cache.");
          give(layer_->backward(*in.value..., d, cache_, *static_cast<L*>(entry().gradient), carry), in...);
        },
        x_);
  }

  const L* layer_ = nullptr;
  Tape* tape_ = nullptr;
  std::ptrdiff_t part_ = -1;
  std::tuple<Node<X>...> x_;
  Node<State> start_;
  bool is_first_ = false, input_wanted_ = false;
  State d_start_{};
  typename L::template Cache<X...> cache_{};
};

/// An operation on the parameters of a part, other than its own.
template <class F, class L, class... X> class BorrowCall final : public Call {
 public:
  using Y = typename F::template Output<X...>;

  const Y* y = nullptr;
  Slot<Y> dy;

  void forward(Tape& tape, std::ptrdiff_t part, const F& f, const L& layer, const Node<X>&... x) {
    f_ = f;
    tape_ = &tape;
    part_ = part;
    layer_ = &layer;
    x_ = {x...};
    y = &f_.forward(layer, *x.value..., cache_);
    if (!tape.keeps()) forget_inputs(*this, y, x_);
  }
  CallForm form() const override { return {.part = part_, .inputs = addresses(x_), .output = y, .borrows = true}; }
  void forget() override { x_ = {}; }
  void plan() override { dy.reset(entry().trainable || any_wanted(x_)); }
  void backward() override {
    if (!dy.wanted() || dy.get() == nullptr) return;
    L& gradient = *static_cast<L*>(entry().gradient);
    std::apply([&](const auto&... in) { give(f_.backward(*layer_, *in.value..., *dy.get(), cache_, gradient), in...); },
               x_);
  }
  std::ptrdiff_t part() const override { return part_; }

 private:
  const PartEntry& entry() const { return tape_->parts[static_cast<std::size_t>(part_)]; }

  F f_{};
  Tape* tape_ = nullptr;
  std::ptrdiff_t part_ = -1;
  const L* layer_ = nullptr;
  std::tuple<Node<X>...> x_;
  typename F::template Cache<X...> cache_{};
};

/// A call of a function: it has no parameters and no state, and is kept by value.
template <class F, class... X> class FunctionCall final : public Call {
 public:
  using Y = typename F::template Output<X...>;

  const Y* y = nullptr;
  Slot<Y> dy;

  void forward(const Tape& tape, const F& f, const Node<X>&... x) {
    f_ = f;
    x_ = {x...};
    y = &f_.forward(*x.value..., cache_);
    if (!tape.keeps()) forget_inputs(*this, y, x_);
  }
  CallForm form() const override {
    CallForm form{.inputs = addresses(x_), .output = y};
    if constexpr (requires { std::string_view(F::name); }) form.function = F::name;
    if constexpr (requires { f_.numbers(); }) form.numbers = f_.numbers();
    return form;
  }
  void forget() override { x_ = {}; }
  void plan() override { dy.reset(any_wanted(x_)); }
  void backward() override {
    if (!dy.wanted() || dy.get() == nullptr) return;
    std::apply([&](const auto&... in) { give(f_.backward(*in.value..., *dy.get(), cache_), in...); }, x_);
  }

 private:
  F f_{};
  std::tuple<Node<X>...> x_;
  typename F::template Cache<X...> cache_{};
};
}  // namespace detail

/// Calls a function of nodes. F is a value with
///   Output<X...>, Cache<X...>
///   const Output<X...>& forward(x..., cache) const
///   backward(x..., dy, cache) const     the gradient of x, as a reference into the cache or to dy; of several inputs a
///                                       std::tuple of such references
/// and may say its name, and numbers(), its options, for what reads a model's wiring (network/graph_of.hpp).
template <class F, class X, class... More> auto apply(const F& f, const Node<X>& x, const Node<More>&... more) {
  auto& call = x.tape->template next<detail::FunctionCall<F, X, More...>>(-1);
  call.forward(*x.tape, f, x, more...);
  return Node<typename F::template Output<X, More...>>{call.y, &call.dy, x.tape, x.tape->reader_of(call)};
}

}  // namespace unroll::inline UNROLL_ABI
