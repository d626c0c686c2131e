// What a CompositeCell writes its step with: values of a step, functions of them, and calls of its parts.
#pragma once

#include <array>
#include <span>
#include <string_view>
#include <tuple>
#include <vector>

#include <unroll/layer/step_calls.hpp>

namespace unroll::inline UNROLL_ABI {

template <class T = float> class StepWiring;

/// A value (rows, n) of a step, within operator() of a CompositeCell: there for what it is given to, it cannot be
/// looked at, because the wiring is read once a pass and not at every step.
template <class T = float> struct StepNode {
  detail::StepValue<T>* value = nullptr;
  detail::StepPlan<T>* plan = nullptr;
  Index rows() const { return value->rows; }
};
/// The sequences that a cell may look at in every step: what the layer gets as its second input.
template <class T = float> struct StepMemory {
  detail::StepMemoryData<T>* data = nullptr;
  Index rows() const { return data->sequences->values.rows(); }
};

namespace detail {

/// A function of values: F says how y follows from the inputs of the call, and gives them their gradients.
template <class F, class T> class StepFunctionCall final : public StepCall<T> {
 public:
  F f{};
  bool reads_again() const override { return F::reads_again; }
  void prepare(Index, bool, bool) override {}
  void step(const StepPass<T>& pass) override { f.forward(*this, pass); }
  void step_backward(const StepPass<T>& pass) override { f.backward(*this, pass); }
};
struct StepSum {
  static constexpr bool reads_again = false;
  template <class C, class P> void forward(C& call, const P& pass) const {
    call.y.of(pass) = call.inputs[0].value->of(pass) + call.inputs[1].value->of(pass);
  }
  template <class C, class P> void backward(C& call, const P& pass) const {
    for (const auto& in : call.inputs) in.give(pass, call.y.gradient(pass));
  }
};
struct StepProduct {
  static constexpr bool reads_again = true;
  template <class C, class P> void forward(C& call, const P& pass) const {
    call.y.of(pass) = call.inputs[0].value->of(pass).cwiseProduct(call.inputs[1].value->of(pass));
  }
  template <class C, class P> void backward(C& call, const P& pass) const {
    for (std::size_t k = 0; k < 2; ++k)
      call.inputs[k].give(pass, call.y.gradient(pass).cwiseProduct(call.inputs[1 - k].value->of(pass)));
  }
};
struct StepConcat {
  static constexpr bool reads_again = false;
  template <class C, class P> void forward(C& call, const P& pass) const {
    auto y = call.y.of(pass);
    y.topRows(call.inputs[0].value->rows) = call.inputs[0].value->of(pass);
    y.bottomRows(call.inputs[1].value->rows) = call.inputs[1].value->of(pass);
  }
  template <class C, class P> void backward(C& call, const P& pass) const {
    const auto dy = call.y.gradient(pass);
    call.inputs[0].give(pass, dy.topRows(call.inputs[0].value->rows));
    call.inputs[1].give(pass, dy.bottomRows(call.inputs[1].value->rows));
  }
};
struct StepRows {
  static constexpr bool reads_again = false;
  Index first = 0;
  template <class C, class P> void forward(C& call, const P& pass) const {
    call.y.of(pass) = call.inputs[0].value->of(pass).middleRows(first, call.y.rows);
  }
  template <class C, class P> void backward(C& call, const P& pass) const {
    const auto& in = call.inputs[0];
    auto dx = in.value->gradient(pass);
    if (in.add == Accumulate::no) dx.setZero();
    dx.middleRows(first, call.y.rows) += call.y.gradient(pass);
  }
};
struct StepScale {
  static constexpr bool reads_again = false;
  double factor = 1;
  template <class C, class P> void forward(C& call, const P& pass) const {
    auto y = call.y.of(pass);
    y = static_cast<typename decltype(y)::Scalar>(factor) * call.inputs[0].value->of(pass);
  }
  template <class C, class P> void backward(C& call, const P& pass) const {
    auto dy = call.y.gradient(pass);
    call.inputs[0].give(pass, static_cast<typename decltype(dy)::Scalar>(factor) * dy);
  }
};

template <class F, class T, class... X>
StepNode<T> step_function(const F& f, Index rows, const StepNode<T>& x, const X&... more) {
  auto& call = x.plan->template next<StepFunctionCall<F, T>>();
  call.f = f;
  call.part = -1;
  call.inputs = {{x.value}, {more.value}...};
  call.y.rows = rows;
  return {&call.y, x.plan};
}
template <class T> Index alike(const char* who, const StepNode<T>& a, const StepNode<T>& b) {
  require(a.rows() == b.rows(), who, ": ", a.rows(), " and ", b.rows(), " rows");
  return a.rows();
}
}  // namespace detail

template <class T> StepNode<T> operator+(const StepNode<T>& a, const StepNode<T>& b) {
  return detail::step_function(detail::StepSum{}, detail::alike("+", a, b), a, b);
}
/// Element by element.
template <class T> StepNode<T> operator*(const StepNode<T>& a, const StepNode<T>& b) {
  return detail::step_function(detail::StepProduct{}, detail::alike("*", a, b), a, b);
}
template <class T> StepNode<T> operator*(double factor, const StepNode<T>& x) {
  return detail::step_function(detail::StepScale{factor}, x.rows(), x);
}
template <class T> StepNode<T> operator-(const StepNode<T>& a, const StepNode<T>& b) { return a + -1.0 * b; }
/// a above b.
template <class T> StepNode<T> concat_rows(const StepNode<T>& a, const StepNode<T>& b) {
  return detail::step_function(detail::StepConcat{}, a.rows() + b.rows(), a, b);
}
/// Features first .. first + count - 1.
template <class T> StepNode<T> rows(const StepNode<T>& x, Index first, Index count) {
  require(first >= 0 && count >= 1 && first + count <= x.rows(), "rows: ", count, " from ", first, " of ", x.rows());
  return detail::step_function(detail::StepRows{first}, count, x);
}

/// `run(dense, x)` calls a part of the cell at every step. A cell among the parts takes its gates (GX H, n), once in a
/// step, and gives its output h; its state goes from step to step.
template <class T> class StepWiring {
 public:
  /// Used by CompositeCell.
  StepWiring(detail::StepPlan<T>& plan, std::span<const detail::StepPart> parts) : plan_(plan), parts_(parts) {}

  template <class P> StepNode<T> operator()(const P& part, const StepNode<T>& x) {
    if constexpr (Cell<P>) {
      const std::ptrdiff_t k = find(part);
      require(x.rows() == part.gate_rows(), "run: ", P::name, " takes gates of ", part.gate_rows(), " rows, got ",
              x.rows());
      for (const auto* call : plan_.calls())
        require(call->part != k, "run: ", P::name, " is called twice in a step, but has one state");
      auto& call = plan_.template next<detail::CellCall<P>>();
      call.cell = &part;
      call.y.place = detail::StepValue<T>::Place::after;
      call.y.field = parts_[static_cast<std::size_t>(k)].field;
      return made(call, k, part.state_rows(0), x);
    } else {
      constexpr bool steps = requires(const StepOf<P> of) { of.rows(part, Index{}); };
      static_assert(steps,
                    "unroll: run: a part of a CompositeCell is a cell, Dense, Tanh, Sigmoid, Relu, or what StepOf is "
                    "specialized for; AdditiveAttention takes the memory, too.");
      if constexpr (steps) {
        auto& call = plan_.template next<detail::PartCall<P, T>>();
        call.p = &part;
        return made(call, find(part), call.of.rows(part, x.rows()), x);
      } else {
        return x;
      }
    }
  }
  template <class P> StepNode<T> operator()(const P& part, const StepNode<T>& x, const StepMemory<T>& memory) {
    auto& call = plan_.template next<detail::MemoryCall<P, T>>();
    call.p = &part;
    call.memory = memory.data;
    return made(call, find(part), call.of.rows(part, x.rows(), memory.rows()), x);
  }
  /// The output h that a cell had at the step before: at the first step, that of the state to start from.
  template <Cell C> StepNode<T> previous(const C& cell) {
    const std::size_t field = parts_[static_cast<std::size_t>(find(cell))].field;
    return {&plan_.value(detail::StepValue<T>::Place::before, field, cell.state_rows(0)), &plan_};
  }

 private:
  template <class P> std::ptrdiff_t find(const P& part) const {
    for (std::size_t k = 0; k < parts_.size(); ++k)
      if (parts_[k].self == &part && parts_[k].type == TypeId::of<P>()) return static_cast<std::ptrdiff_t>(k);
    fail("run: a part that is called is not one of the cell's (UNROLL_PARTS), or a copy of one");
  }
  template <class C> StepNode<T> made(C& call, std::ptrdiff_t part, Index rows, const StepNode<T>& x) {
    call.part = part;
    call.inputs = {{x.value}};
    call.y.rows = rows;
    return {&call.y, &plan_};
  }

  detail::StepPlan<T>& plan_;
  std::span<const detail::StepPart> parts_;
};

}  // namespace unroll::inline UNROLL_ABI
