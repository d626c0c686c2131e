// What the parts of a CompositeCell do in one of its steps, with their weights packed once a pass and the gradients of
// these made over many steps at once.
#pragma once

#include <unroll/cell/pointwise.hpp>
#include <unroll/layer/activation.hpp>
#include <unroll/layer/dense.hpp>
#include <unroll/layer/step_value.hpp>

namespace unroll::inline UNROLL_ABI {

/// A part of type P in a step. Made by {} and kept in the cell's cache, it has
///   reads_again                                   whether backward reads x
///   Index rows(part, rows of x)                   of y; throws where the part cannot take x
///   prepare(part, columns, keep)                  before a pass of so many columns; keep: a backward may follow
///   forward(part, x, y, step, scratch)            y = .., for the columns of a step
///   backward(part, y, dy, dx, add, step, scratch) dx = .., or dx += .. if asked to `add`
///   accumulate(part, x, dy, columns, gradient, order)   the gradient of the part +=, over columns of many steps
/// x, y, dx and dy are StepColumns; `scratch` belongs to the thread; step.at is the first column of the step in what
/// `prepare` gave so many columns, step.column its first sequence. A part that looks at the memory of the cell (see
/// AdditiveAttention) has instead
///   Index rows(part, rows of x, rows of the memory)
///   prepare(part, memory, columns, keep)
/// and
///   begin_backward(),  finish(part, gradient)     before and after the way back through the steps
/// A member `bool same_weights` is told before `prepare` whether the weights are those of the last pass: what was
/// packed then need not be again. A part of the user's own is a specialization.
template <class P> struct StepOf;

template <class T> struct StepOf<Dense<T>> {
  static constexpr bool reads_again = true;
  PackedMatrix<T> weight, transposed;
  MatmulScratch<T> product;
  bool same_weights = false;

  Index rows(const Dense<T>& part, Index inputs) const {
    require(inputs == part.weight.cols(), "Dense: input has ", inputs, " features, expected ", part.weight.cols());
    return part.weight.rows();
  }
  void prepare(const Dense<T>& part, Index, bool keep) {
    if (!same_weights) weight.pack(view(part.weight), Transpose::no);
    if (keep) transposed.pack(view(part.weight), Transpose::yes);
  }
  void forward(const Dense<T>& part, const StepColumns<T>& x, StepColumns<T> y, const Step&,
               StepScratch<T>& scratch) const {
    matmul(y, weight, x, Transpose::no, Accumulate::no, scratch.product,
           part.bias.size() > 0 ? part.bias.data() : nullptr);
  }
  void backward(const Dense<T>&, const StepColumns<T>&, const StepColumns<T>& dy, StepColumns<T> dx, Accumulate add,
                const Step&, StepScratch<T>& scratch) const {
    matmul(dx, transposed, dy, Transpose::no, add, scratch.product);
  }
  void accumulate(const Dense<T>& part, const StepColumns<T>& x, const StepColumns<T>& dy, const Columns&,
                  Dense<T>& gradient, Blocks order) {
    if (part.weight.trainable)
      matmul(gradient.weight, dy, Transpose::no, x, Transpose::yes, Accumulate::yes, product, order);
    if (part.bias.size() > 0 && part.bias.trainable) add_row_sums(dy, gradient.bias.data(), order);
  }
};

namespace detail {
template <class Function, class T> struct StepOfActivation {
  static constexpr bool reads_again = false;
  using Part = Activation<Function, T>;

  Index rows(const Part&, Index inputs) const { return inputs; }
  void prepare(const Part&, Index, bool) {}
  void forward(const Part&, const StepColumns<T>& x, StepColumns<T> y, const Step&, StepScratch<T>&) const {
    const auto f = [](const auto& from, auto& to) { to = Function::value(from); };
    for_each_element(x.size(), f, x.data(), y.data());
  }
  void backward(const Part&, const StepColumns<T>& y, const StepColumns<T>& dy, StepColumns<T> dx, Accumulate add,
                const Step&, StepScratch<T>&) const {
    const auto first = [](const auto& v, const auto& d, auto& to) { to = d * Function::gradient_from_output(v); };
    const auto more = [](const auto& v, const auto& d, auto& to) { to += d * Function::gradient_from_output(v); };
    if (add == Accumulate::yes)
      for_each_element(y.size(), more, y.data(), dy.data(), dx.data());
    else
      for_each_element(y.size(), first, y.data(), dy.data(), dx.data());
  }
  void accumulate(const Part&, const StepColumns<T>&, const StepColumns<T>&, const Columns&, Part&, Blocks) {}
};
}  // namespace detail
template <class T> struct StepOf<Tanh<T>> : detail::StepOfActivation<detail::TanhFunction, T> {};
template <class T> struct StepOf<Relu<T>> : detail::StepOfActivation<detail::ReluFunction, T> {};
template <class T> struct StepOf<Sigmoid<T>> : detail::StepOfActivation<detail::SigmoidFunction, T> {};

}  // namespace unroll::inline UNROLL_ABI
