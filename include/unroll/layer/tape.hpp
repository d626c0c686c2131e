// What a model whose wiring is code has called in one batch, so that backward can go through it again from the last
// call to the first.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include <unroll/core/type_id.hpp>
#include <unroll/layer/node.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
/// Where a part stands: its name in its composite or its number in a list, which of the parts there it is, and the
/// entry of that composite or list.
struct PartPlace {
  std::string_view name{};
  Index number = -1, place = 0;
  std::ptrdiff_t parent = -1;
};
/// What is done with parts of a type and their states; without a state null, but for the first.
struct PartKind {
  bool (*trainable)(const void* part);
  void (*copy)(void* to, const void* from);
  void (*set_zero)(void* zero, const void* like);
  void (*add)(void* slot, const void* gradient);
};
/// A part of a model, at whatever depth: where it is, in the model and in the gradient, and how often it was called.
struct PartEntry : PartPlace {
  const void* self;
  TypeId type;
  const PartKind* kind;  ///< null for a list or a composite
  void* gradient = nullptr;
  bool trainable = false;
  std::uint64_t calls = 0;
  const void* y = nullptr;  ///< what the last call gave
  TypeId y_type = TypeId::of<Nothing>();
  Reader of_last_call = {};
  // States at the border of the batch, all of the part's State.
  const void* start = nullptr;  ///< the first call starts from it
  void* end = nullptr;          ///< where what the last call leaves is wanted
  const void* last = nullptr;   ///< what the last call has left
  void* d_last = nullptr;       ///< Slot<State> of the last call
  const void* d_end = nullptr;  ///< the gradient of `end`
  void* d_start = nullptr;      ///< where the gradient of `start` is wanted
  bool has_d_start = false;

  PartEntry(const PartPlace& at, const void* of, TypeId its, const PartKind* what)
      : PartPlace(at), self(of), type(its), kind(what) {}
};
/// What a walk over a model's parts, or over its gradient's, writes: the entries of the first walk, and what is
/// different in the second.
class PartList {
 public:
  PartList(std::vector<PartEntry>& entries, bool of_gradient) : entries_(entries), of_gradient_(of_gradient) {}
  /// The number of its entry.
  UNROLL_API std::ptrdiff_t add(const PartPlace& at, void* part, TypeId type, const PartKind* kind = nullptr,
                                const void* state_in = nullptr, void* state_out = nullptr);

 private:
  std::vector<PartEntry>& entries_;
  bool of_gradient_;
  std::size_t next_ = 0;
};

class Call {
 public:
  virtual ~Call() = default;
  /// In inference: of what it gave.
  const Reader& reader() const { return reader_; }
  bool is_read() const { return reader_.use_count() > 1; }
  /// In the order of the forward pass: whose gradient is wanted?
  virtual void plan() = 0;
  virtual void backward() = 0;
  /// Is no reader of its inputs any more.
  virtual void forget() = 0;
  /// The number of the part's entry; -1 of a function.
  virtual std::ptrdiff_t part() const { return -1; }

 private:
  Reader reader_ = std::make_shared<char>();
};
}  // namespace detail

/// A model's calls. Each is kept by its part and occurrence and used again by the next batch, so that loops of changing
/// length need no new memory. Where no backward pass will follow a call is used again as soon as nobody reads what it
/// gave: a loop of any length takes as many as have something to say to the next turn.
class Tape {
 public:
  std::vector<detail::PartEntry> parts;

  Tape() = default;
  Tape(Tape&&) = delete;  // nodes point to it
  ~Tape() { forget(); }

  UNROLL_API void start(bool keep);
  /// Whether all calls of this pass are kept, for a backward pass.
  bool keeps() const { return keeps_; }
  /// Calls that there is memory for.
  UNROLL_API std::size_t size() const;
  detail::Reader reader_of(const detail::Call& call) const { return keeps_ ? nullptr : call.reader(); }
  /// The part at this place; null where there is none.
  UNROLL_API detail::PartEntry* find(const void* self, TypeId type);
  /// `pool.hidden`: the path of an entry below the one whose number is `own`.
  UNROLL_API std::string path_of(std::ptrdiff_t entry, std::ptrdiff_t own) const;
  /// What the next call of a part gets, within the composite that has the entry `own` and the context `of`.
  UNROLL_API Context context_of(const detail::PartEntry& entry, std::ptrdiff_t own, const Context& of) const;

  /// The next record of type C for a part (or, -1, for a function).
  template <class C> C& next(std::ptrdiff_t part) {
    Kept& kept = kept_of(part, TypeId::of<C>());
    if (!keeps_) kept.used = kept.first_unread();
    if (kept.used == kept.calls.size()) kept.calls.push_back(std::make_unique<C>());
    detail::Call* const call = kept.calls[kept.used++].get();
    if (keeps_) calls_.push_back(call);
    return static_cast<C&>(*call);
  }

  /// After the forward pass: the final states to where they are wanted.
  UNROLL_API void take_states() const;
  UNROLL_API void plan() const;
  /// The gradients of the final states are added, those of the first go to where they are wanted.
  UNROLL_API void backward() const;

 private:
  struct Kept {
    std::ptrdiff_t part;
    TypeId type;
    std::vector<std::unique_ptr<detail::Call>> calls;
    std::size_t used = 0;
    UNROLL_API std::size_t first_unread() const;
  };
  UNROLL_API void forget();
  UNROLL_API Kept& kept_of(std::ptrdiff_t part, TypeId type);

  std::vector<Kept> kept_;
  std::vector<detail::Call*> calls_;
  std::size_t next_part_ = 0, next_kept_ = 0;
  bool keeps_ = true;
};

namespace detail {
/// What backward of a layer or a function gave, to those it is the gradient of: one, or a tuple of them.
inline void give(Nothing, const auto&...) {}
template <class D> void give(const D& d, const Node<D>& in) {
  if (in.wanted()) in.gradient->add(d);
}
template <class... D, class... X> void give(const std::tuple<const D&...>& d, const Node<X>&... in) {
  std::apply([&](const auto&... each) { (give(each, in), ...); }, d);
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
    is_first_ = part.calls++ == 0 && start.value == nullptr;
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
template <class F, class X, class... More> auto apply(const F& f, const Node<X>& x, const Node<More>&... more) {
  auto& call = x.tape->template next<detail::FunctionCall<F, X, More...>>(-1);
  call.forward(*x.tape, f, x, more...);
  return Node<typename F::template Output<X, More...>>{call.y, &call.dy, x.tape, x.tape->reader_of(call)};
}

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/layer/tape.ipp>
#endif
