// Recurrent layers on top of each other, as one module of several layers.
#pragma once

#include <unroll/layer/sequential.hpp>

namespace unroll::inline UNROLL_ABI {

/// The same as Sequential, but its parameters are called `weight_ih_l0`, `weight_ih_l1`, .. as in
/// nn.LSTM(num_layers=n); layers without a state (a Dropout between two) are not counted. FinalState of a stack is its
/// last layer's, and the state holds the final states of all layers: `std::get<k>(state.layers)`.
template <class... Ls> class Stack : public Sequential<Ls...> {
  using Base = Sequential<Ls...>;
  using Last = std::tuple_element_t<sizeof...(Ls) - 1, std::tuple<Ls...>>;

 public:
  using typename Base::Scalar;
  using typename Base::State;
  explicit Stack(Ls... of) : Base(std::move(of)...) {}

  void final_output(const State& state, Matrix<Scalar>& y) const {
    last().final_output(std::get<sizeof...(Ls) - 1>(state.layers), y);
  }
  void final_output_backward(const State& state, const Matrix<Scalar>& dy, State& d) const {
    visit_state(
        [](const Path&, const auto& field, auto& zero) {
          zero.resize(field.rows(), field.cols());
          zero.setZero();
        },
        state, d);
    last().final_output_backward(std::get<sizeof...(Ls) - 1>(state.layers), dy, std::get<sizeof...(Ls) - 1>(d.layers));
  }
  std::string describe() const { return concat_text("Stack(", Base::describe(), ")"); }

  template <class F, class... Self> static void visit(F&& f, const Path& at, Self&... self) {
    detail::for_each_part(
        [&](auto k, std::string_view, auto&... layer) {
          const Path here = at.layer(number_of(k()));
          detail::visit_part(f, here, layer...);
        },
        self...);
  }
  /// How many layers with a state come before layer k.
  static constexpr Index number_of(std::size_t k) {
    constexpr std::array<bool, sizeof...(Ls)> stateless{is_stateless<typename Ls::State>...};
    Index n = 0;
    for (std::size_t i = 0; i < k; ++i) n += stateless[i] ? 0 : 1;
    return n;
  }

 private:
  const Last& last() const { return std::get<sizeof...(Ls) - 1>(this->layers); }
};

}  // namespace unroll::inline UNROLL_ABI
