// Layers one after the other, as many and whichever the program finds at run time.
#pragma once

#include <string>
#include <type_traits>
#include <utility>

#include <unroll/layer/any_layer/chain.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
template <class Y> struct ScalarOfBatch {
  static constexpr bool is_batch = is_matrix<Y> || is_packed<Y>;
  static_assert(is_batch, "unroll::AnySequential: its argument is what it gives, PackedSequence<T> or Matrix<T>.");
  using type = float;
};
template <class T> struct ScalarOfBatch<PackedSequence<T>> {
  using type = T;
};
template <class T> struct ScalarOfBatch<Matrix<T>> {
  using type = T;
};
}  // namespace detail

/// A Sequential whose layers are known at run time:
/// ```
/// AnySequential<> model;
/// model.add(Embedding{V, 64});
/// for (int k = 0; k < depth; ++k) model.add(make_layer(kind, 64, 64)).add(Dropout{0.2});
/// model.add(Dense{64, V});
/// ```
/// Y is what it gives: a vector for every step, or, as `AnySequential<Matrix<>>`, one for every sequence, behind a
/// FinalState. All else is as of a Sequential of these layers, to the bit: parameters and their names, first weights,
/// dropout, training, files. Whether the layers fit each other is found out by a batch and not by the compiler: forward
/// throws std::invalid_argument with the number of the layer that does not take what comes.
template <class Y = PackedSequence<float>>
class AnySequential : public AnyChain<AnySequential<Y>, typename detail::ScalarOfBatch<Y>::type> {
  using Base = AnyChain<AnySequential<Y>, typename detail::ScalarOfBatch<Y>::type>;
  using T = typename Base::Scalar;

 public:
  using typename Base::State;
  /// Of one vector for each sequence, such a vector.
  template <detail::AnyInput<T> In> using Output = std::conditional_t<is_matrix<In>, In, Y>;
  template <detail::AnyInput<T> In> struct Cache : detail::ChainCache<T> {
    const Output<In>& output() const { return detail::output_in<Output<In>>(*this); }
  };
  template <class In> using InputGradient = std::conditional_t<Tokens<In>, Nothing, const In&>;

  static constexpr std::string_view who = "AnySequential";  ///< for messages

  template <class In>
  const Output<In>& forward(const Context& context, const In& x, Cache<In>& c, Carry<State> carry = {}) const {
    return detail::given<Output<In>>(detail::forward_chain(this->layers, context, detail::AnyBatch<T>(x), c, carry),
                                     *this);
  }
  /// dy is not deduced, so that an Eigen expression becomes an Output here.
  template <class In>
  InputGradient<In> backward(const In& x, const Output<In>& dy, Cache<In>& c, AnySequential& gradient,
                             Carry<State> d = {}) const {
    check_gradient_shapes(who, *this, gradient);  // of all layers before one of them adds to it
    const auto dx =
        detail::backward_chain(this->layers, detail::AnyBatch<T>(x), detail::AnyBatch<T>(dy), c, gradient.layers, d);
    if constexpr (Tokens<In>)
      return {};
    else
      return dx.template get<In>() != nullptr ? *dx.template get<In>() : x;  // that of a later layer: nobody reads it
  }
  std::string describe() const { return this->describe_layers(); }
  Path part_path(const Path& at, std::size_t k) const { return at / static_cast<Index>(k); }
};

/// A Stack whose layers are known at run time: as AnySequential, with the parameters called `weight_ih_l0`,
/// `weight_ih_l1`, .. in all layers together. FinalState of it is its last layer's.
template <class T = float> class AnyStack : public AnyChain<AnyStack<T>, T> {
  using Base = AnyChain<AnyStack<T>, T>;

 public:
  using typename Base::State;
  template <Sequences<T> In> using Output = PackedSequence<T>;
  template <Sequences<T> In> struct Cache : detail::ChainCache<T> {
    const PackedSequence<T>& output() const { return detail::output_in<PackedSequence<T>>(*this); }
  };

  static constexpr std::string_view who = "AnyStack";  ///< for messages

  template <Sequences<T> In>
  const In& forward(const Context& context, const In& x, Cache<In>& c, Carry<State> carry = {}) const {
    return detail::given<In>(detail::forward_chain(this->layers, context, detail::AnyBatch<T>(x), c, carry), *this);
  }
  template <Sequences<T> In>
  const In& backward(const In& x, const In& dy, Cache<In>& c, AnyStack& gradient, Carry<State> d = {}) const {
    return run_backward(x, detail::AnyBatch<T>(dy), c, gradient, d);
  }
  template <Sequences<T> In>
  const In& backward(const In& x, Nothing, Cache<In>& c, AnyStack& gradient, Carry<State> d = {}) const {
    return run_backward(x, detail::AnyBatch<T>(), c, gradient, d);
  }

  void final_output(const State& state, Matrix<T>& y) const {
    check_state(state);
    this->layers.back().final_output(state.layers.back(), y);
  }
  void final_output_backward(const State& state, const Matrix<T>& dy, State& d) const {
    check_state(state);
    d = state;
    visit_state([](const Path&, auto& field) { field.setZero(); }, d);
    this->layers.back().final_output_backward(state.layers.back(), dy, d.layers.back());
  }
  std::string describe() const { return concat_text("Stack(", this->describe_layers(), ")"); }
  /// Layers without a state are not counted.
  Path part_path(const Path& at, std::size_t k) const {
    Index number = 0;
    for (std::size_t i = 0; i < k; ++i) number += this->layers[i].erased().has_state() ? 1 : 0;
    return at.layer(number);
  }

 private:
  void check_state(const State& state) const {
    require(!this->layers.empty(), "AnyStack: there is no layer here");
    require(state.layers.size() == this->layers.size(), "AnyStack: a state of ", state.layers.size(), " layers for ",
            this->layers.size());
  }
  const PackedSequence<T>& run_backward(const PackedSequence<T>& x, const detail::AnyBatch<T>& dy,
                                        detail::ChainCache<T>& c, AnyStack& gradient, Carry<State> d) const {
    check_gradient_shapes(who, *this, gradient);
    const auto dx = detail::backward_chain(this->layers, detail::AnyBatch<T>(x), dy, c, gradient.layers, d);
    return dx.sequences != nullptr ? *dx.sequences : x;
  }
};

}  // namespace unroll::inline UNROLL_ABI
