// A state to start a recurrent layer from, made of vectors: the bridge from an encoder to a decoder.
#pragma once

#include <string_view>
#include <tuple>
#include <utility>

#include <unroll/layer/recurrent.hpp>
#include <unroll/layer/tape_calls.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
template <class L> struct InitialStateFunction {
  static constexpr std::string_view name = "initial_state";
  using State = typename L::State;
  const L* layer = nullptr;
  template <class...> using Output = State;
  template <class... X> struct Cache {
    State y;
  };
  template <class X> const State& forward(const X& h, Cache<X>& c) const { return make(c.y, h); }
  template <class X> const State& forward(const X& h, const X& second, Cache<X, X>& c) const {
    return make(c.y, h, second);
  }
  template <class X> const X& backward(const X&, const State& d, Cache<X>&) const { return d.fields[0]; }
  template <class X> std::tuple<const X&, const X&> backward(const X&, const X&, const State& d, Cache<X, X>&) const {
    return {d.fields[0], d.fields[1]};
  }

 private:
  template <class X, class... More> const State& make(State& y, const X& h, const More&... more) const {
    std::size_t s = 0;
    const auto take = [&](const X& field) {
      const Index rows = layer->cell.state_rows(static_cast<int>(s));
      require(field.rows() == rows && field.cols() == h.cols(), "initial_state: ", L::who, " takes a state of ", rows,
              " rows, got ", field.rows(), " x ", field.cols());
      y.fields[s++] = field;
    };
    take(h), (take(more), ...);
    for (; s < y.fields.size(); ++s) {
      y.fields[s].resize(layer->cell.state_rows(static_cast<int>(s)), h.cols());
      y.fields[s].setZero();
    }
    return y;
  }
};
}  // namespace detail

/// A state of a recurrent layer with the output h (H, B), a column for each sequence; what else it has, the c of an
/// LSTM, is zero: `run(decoder, y, from(initial_state(decoder, run(bridge, final_output(read)))))`.
template <class C, class T>
Node<typename Recurrent<C>::State> initial_state(const Recurrent<C>& layer, const Node<Matrix<T>>& h) {
  return apply(detail::InitialStateFunction<Recurrent<C>>{&layer}, h);
}
/// The same with the second field, the c of an LSTM.
template <class C, class T> requires(Recurrent<C>::S >= 2)
Node<typename Recurrent<C>::State> initial_state(const Recurrent<C>& layer, const Node<Matrix<T>>& h,
                                                 const Node<Matrix<T>>& second) {
  return apply(detail::InitialStateFunction<Recurrent<C>>{&layer}, h, second);
}

}  // namespace unroll::inline UNROLL_ABI
