// Sequence in, vector out.
#pragma once

#include <unroll/layer/parts.hpp>

namespace unroll::inline UNROLL_ABI {

/// The output at the end of every sequence, (H, B) in the user's order: labels need no permutation. It wraps a
/// recurrent layer, rather than follow it, because only that layer knows the state of a sequence that is reversed,
/// bidirectional or empty. Of a stack it is the last layer's.
template <class Inner> class FinalState {
  static_assert(detail::assert_layer<Inner>());
  static constexpr bool has_final_output = detail::HasFinalOutput<Inner>;  // a compiler lists no reasons for a variable
  static_assert(
      has_final_output,
      "unroll::FinalState: the layer has no `final_output(state, y)` and `final_output_backward(state, dy, d)`: "
      "it wraps a recurrent layer, a Bidirectional or a Stack.");

 public:
  using Scalar = typename Inner::Scalar;
  using T = Scalar;
  using State = typename Inner::State;
  template <Sequences<T> In> using Output = Matrix<T>;

  Inner inner;

  template <Sequences<T> In> struct Cache {
    typename Inner::template Cache<In> inner;
    State final, d_final;
    Matrix<T> y;
    bool want_dx = true;
    const Matrix<T>& output() const { return y; }
  };

  explicit FinalState(Inner of) : inner(std::move(of)) {}
  static constexpr std::string_view names_of_parts() { return "."; }
  auto parts() { return std::tie(inner); }
  auto parts() const { return std::tie(inner); }

  template <Sequences<T> In>
  const Matrix<T>& forward(const Context& context, const In& x, Cache<In>& c, Carry<State> carry = {}) const {
    if constexpr (requires { c.inner.want_y; }) c.inner.want_y = false;
    inner.forward(context, x, c.inner, {carry.in, &c.final});
    inner.final_output(c.final, c.y);
    if (carry.out != nullptr) *carry.out = c.final;
    return c.y;
  }
  template <Sequences<T> In>
  const In& backward(const In& x, const Matrix<T>& dy, Cache<In>& c, FinalState& gradient, Carry<State> d = {}) const {
    detail::require_gradient("FinalState", dy, c.y);
    c.inner.want_dx = c.want_dx;
    inner.final_output_backward(c.final, dy, c.d_final);
    if (d.in != nullptr)
      visit_state(
          [](const Path& path, auto& sum, const auto& more) {
            if (more.rows() != sum.rows() || more.cols() != sum.cols())
              fail("FinalState: gradient of the final state ", path.str(), " is ", more.rows(), " x ", more.cols(),
                   ", expected ", sum.rows(), " x ", sum.cols());
            sum += more;
          },
          c.d_final, *d.in);
    return inner.backward(x, Nothing{}, c.inner, gradient.inner, {&c.d_final, d.out});
  }

  void initialize(Rng rng, const Scheme& scheme) { inner.initialize(rng, scheme); }
  std::string describe() const { return concat_text("FinalState ", inner.describe()); }
  template <class F, class... Self> static void visit(F&& f, const Path& at, Self&... self) {
    Inner::visit(f, at, self.inner...);
  }
};

}  // namespace unroll::inline UNROLL_ABI
