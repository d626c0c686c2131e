// A value of a model's forward pass, and where its gradient will be.
#pragma once

#include <memory>
#include <type_traits>

#include <unroll/core/parallel.hpp>
#include <unroll/layer/layer.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
template <class Y> inline constexpr bool is_values = is_matrix<Y> || is_packed<Y>;

template <class Y> requires is_values<Y>
void set_zero_like(Y& zero, const Y& like) {
  shape_like(zero, like, values(like).rows());
  values(zero).setZero();
}
template <class S> requires(!is_values<S>)
void set_zero_like(S& zero, const S& like) {
  zero = like;  // a state whose parts are lists gets their lengths, too
  visit_state([](const Path&, auto& field) { field.setZero(); }, zero);
}

/// sum = a + b, where sum may be a.
template <class Y> requires is_values<Y>
void add_values(Y& sum, const Y& a, const Y& b) {
  require(values(a).rows() == values(b).rows() && values(a).cols() == values(b).cols(), "two values to be added are ",
          values(a).rows(), " x ", values(a).cols(), " and ", values(b).rows(), " x ", values(b).cols());
  if (&sum != &a) shape_like(sum, a, values(a).rows());
  parallel_ranges(values(a).cols(), 256, [&](Index first, Index last) {
    const Index n = last - first;
    values(sum).middleCols(first, n) = values(a).middleCols(first, n) + values(b).middleCols(first, n);
  });
}
template <class S> requires(!is_values<S>)
void add_values(S& sum, const S& a, const S& b) {
  if (&sum != &a) sum = a;
  visit_state([](const Path&, auto& s, const auto& more) { s += more; }, sum, b);
}
}  // namespace detail

/// The gradient of a value. The first reader's is borrowed where it lies, in the cache of that reader: only a value
/// that is read twice costs a sum. Readers add in the reverse order of the forward pass.
template <class Y> class Slot {
 public:
  void reset(bool wanted) { wanted_ = wanted, gradient_ = nullptr; }
  bool wanted() const { return wanted_; }
  void add(const Y& d) {
    if (gradient_ != nullptr) detail::add_values(sum_, *gradient_, d);
    gradient_ = gradient_ == nullptr ? &d : &sum_;
  }
  const Y* get() const { return gradient_; }  ///< null: none has come
  const Y& get_or_zero(const Y& like) {
    if (gradient_ != nullptr) return *gradient_;
    if (wanted_) detail::set_zero_like(sum_, like);
    return sum_;
  }

 private:
  bool wanted_ = false;
  const Y* gradient_ = nullptr;
  Y sum_{};
};

class Tape;

namespace detail {
/// Says, while it is there, that somebody may still read what a call gave: its uses are the readers and the call.
using Reader = std::shared_ptr<const void>;
}  // namespace detail

/// A value within `operator()` of a Composite: `*h` and `h->values` look at it. Valid until the model's next forward
/// pass; in inference, which keeps nothing from turn to turn of a loop, as long as a node of it is there. What is
/// computed from it by hand gets no gradient.
template <class Y> struct Node {
  using Value = Y;

  const Y* value = nullptr;
  Slot<Y>* gradient = nullptr;
  Tape* tape = nullptr;
  detail::Reader reader = {};

  const Y& operator*() const { return *value; }
  const Y* operator->() const { return value; }
  bool wanted() const { return gradient != nullptr && gradient->wanted(); }
};

/// What a layer with a state gives: its output, and the state after every sequence's last step.
template <class L, class Y> struct Result : Node<Y> {
  Node<typename L::State> state;
  const L* layer = nullptr;
};

/// `run(decoder, y, from(encoded.state))`: a call starts from there.
template <class S> struct From {
  Node<S> state;
};
template <class S> From<S> from(const Node<S>& state) { return {state}; }

}  // namespace unroll::inline UNROLL_ABI
