// A recurrent cell that is made of parts, written as its step:
//   struct Decoder : CompositeCell<Decoder> {
//     AdditiveAttention<> attend{512, 512, 256};
//     Dense<> context{512, 3 * 512, {.bias = false}};
//     Pointwise<Gru<>> gru{Gru{300, 512}};
//     UNROLL_PARTS(attend, context, gru)
//     auto operator()(StepWiring<>& run, StepNode<> a, StepMemory<> memory) const {
//       const auto c = run(attend, run.previous(gru), memory);
//       return run(gru, a + run(context, c));
//     }
//   };
//   Recurrent decoder{Decoder{}};             // in a Composite: run(decoder, words, encoded, from(encoded.state))
// It is a Cell as those of the library are: the layer makes a = W x + b for many steps at once, weights are packed once
// a pass, and the gradients of weights are made over blocks of many columns.
#pragma once

#include <array>
#include <span>
#include <string_view>
#include <tuple>
#include <vector>

#include <unroll/layer/parts.hpp>
#include <unroll/layer/recurrent/options.hpp>
#include <unroll/layer/step_of.hpp>
#include <unroll/layer/step_value.hpp>

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

/// A part of a cell, and where its state stands among the cell's.
struct StepPart {
  const void* self;
  TypeId type;
  std::size_t field;
};

/// What calls of parts without a state share.
template <class P, class T> class StatelessCall : public StepCall<T> {
 public:
  const P* p = nullptr;
  StepOf<P> of{};

  bool reads_again() const override { return StepOf<P>::reads_again; }
  void step(const StepPass<T>& pass) override {
    of.forward(*p, x().of(pass), this->y.of(pass), pass.own(), *pass.scratch);
  }
  void step_backward(const StepPass<T>& pass) override {
    const StepInput<T>& in = this->inputs[0];
    of.backward(*p, this->y.of(pass), this->y.gradient(pass), in.value->gradient(pass), in.add, pass.own(),
                *pass.scratch);
  }
  void accumulate(const StepPass<T>& pass, void* gradient, const Columns& columns) override {
    if (any_trainable(*p))
      x().with_columns(pass, columns, operand_, [&](const StepColumns<T>& x) {
        of.accumulate(*p, x, this->y.gradient_columns(columns), columns, *static_cast<P*>(gradient), pass.order);
      });
  }

 private:
  StepValue<T>& x() const { return *this->inputs[0].value; }
  Matrix<T> operand_;
};
template <class P, class T> class PartCall final : public StatelessCall<P, T> {
 public:
  void prepare(Index columns, bool keep) override { this->of.prepare(*this->p, columns, keep); }
};
/// Of a part that looks at the memory.
template <class P, class T> class MemoryCall final : public StatelessCall<P, T> {
 public:
  StepMemoryData<T>* memory = nullptr;

  void prepare(Index columns, bool keep) override { this->of.prepare(*this->p, *memory, columns, keep); }
  void begin_backward(Index) override { this->of.begin_backward(); }
  void finish(void* gradient) override { this->of.finish(*this->p, *static_cast<P*>(gradient)); }
};

/// A cell in a step of another.
template <class C> class CellCall final : public StepCall<typename C::Scalar> {
 public:
  using T = typename C::Scalar;
  static constexpr int S = C::S;
  const C* cell = nullptr;

  void prepare(Index columns, bool keep) override {
    gates_.resize(cell->gate_rows(), columns);
    cell->prepare(cache_, columns, keep);
  }
  void step(const StepPass<T>& pass) override {
    pass.columns_of(gates_) = this->inputs[0].value->of(pass);
    Pass<T, S> inner = within(pass);
    cell->step(inner, cache_, pass.own(), *pass.scratch);
  }
  void step_backward(const StepPass<T>& pass) override {
    Pass<T, S> inner = within(pass);
    cell->step_backward(inner, cache_, pass.own(), fields(pass.d), *pass.scratch);
    this->inputs[0].give(pass, pass.columns_of(gates_));
  }
  void accumulate(const StepPass<T>& pass, void* gradient, const Columns& columns) override {
    Pass<T, S> inner = within(pass);
    cell->accumulate(inner, cache_, *static_cast<C*>(gradient), columns);
  }
  void begin_backward(Index batch) override {
    if constexpr (HasSums<C>) cell->open_sums(cache_, batch);
  }
  void finish(void* gradient) override {
    if constexpr (HasSums<C>) cell->close_sums(cache_, *static_cast<C*>(gradient));
  }

 private:
  StateFields<T, S> fields(std::span<Matrix<T>> all) const {
    return StateFields<T, S>(all.subspan(this->y.field, static_cast<std::size_t>(S)));
  }
  /// Recurrent dropout is that of the output, which is the first field.
  Pass<T, S> within(const StepPass<T>& pass) {
    return {gates_, fields(pass.states), pass.steps, this->y.field == 0 ? pass.mask : no_mask_, pass.keep, pass.order};
  }

  typename C::Cache cache_;
  Matrix<T> gates_;
  RecurrentMask<T> no_mask_;
};

/// A function of values: F says how y follows from the inputs of the call, and gives them their gradients.
template <class F, class T> class StepFunctionCall final : public StepCall<T> {
 public:
  F f{};
  bool reads_again() const override { return F::reads_again; }
  void prepare(Index, bool) override {}
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

namespace detail {
template <class P> constexpr int fields_of() {
  if constexpr (Cell<P>)
    return P::S;
  else
    return 0;
}
template <class Parts> struct CellsOf;
template <class... P> struct CellsOf<std::tuple<P&...>> {
  static constexpr int fields = (fields_of<std::remove_const_t<P>>() + ... + 0);
  static constexpr int S = fields > 0 ? fields : 1;
};
template <class C, class T>
concept HasStep = requires(const C& c, StepWiring<T>& run, const StepNode<T>& a) { c(run, a); };
template <class C, class T>
concept HasMemoryStep =
    requires(const C& c, StepWiring<T>& run, const StepNode<T>& a, const StepMemory<T>& memory) { c(run, a, memory); };
}  // namespace detail

/// The base of a cell that is written as its step (see the top of this file). Self has UNROLL_PARTS(names..): cells,
/// and what StepOf is there for; and one of
///   auto operator()(StepWiring<T>& run, StepNode<T> a) const
///   auto operator()(StepWiring<T>& run, StepNode<T> a, StepMemory<T> memory) const
/// where a (gate_rows(), n) is W x + b of the layer, and memory its second input, which it may look back at. It gives
/// what the first cell among the parts gave. The state is that of the cells among the parts, one after the other, and
/// the output that of the first: Delay is a cell whose output is what it was given. inputs() and gate_rows(), which W
/// has, are those of the first cell unless Self has its own.
template <class Self, class T = float> struct CompositeCell {
  using Scalar = T;
  static constexpr std::string_view name = "Composite";
  static constexpr int S = detail::CellsOf<detail::PartsOf<Self>>::S, gates = 1;

  struct Cache {
    detail::StepPlan<T> plan;
    std::vector<detail::StepPart> parts;
  };

  CompositeCell() {
    constexpr bool has_cell = detail::CellsOf<detail::PartsOf<Self>>::fields > 0;
    static_assert(has_cell,
                  "unroll::CompositeCell: no cell is among the parts: Pointwise<Gru<>>, Pointwise<Lstm<>>, .., and for "
                  "values that are fed back Pointwise<Delay<>>.");
    constexpr bool steps = detail::HasStep<Self, T> || detail::HasMemoryStep<Self, T>;
    static_assert(steps,
                  "unroll::CompositeCell: operator()(StepWiring<T>& run, StepNode<T> a) const is missing, or "
                  "takes something else.");
  }

  /// Before the loop: the sequences to look back at, of the same batch as the input.
  void enter(Cache& cache, const PackedSequence<T>& memory, const Packing& batch) const
      requires detail::HasMemoryStep<Self, T>
  {
    detail::StepMemoryData<T>& m = cache.plan.memory;
    require(memory.packing.batch() == batch.batch(), "Recurrent<", Self::name, ">: a memory of ",
            memory.packing.batch(), " sequences for ", batch.batch());
    m.sequences = &memory;
    detail::sorted_positions(memory.packing, m.of_row);
    m.place.resize(m.of_row.size());
    for (Index j = 0; j < batch.batch(); ++j)
      m.place[static_cast<std::size_t>(j)] = m.of_row[static_cast<std::size_t>(batch.row(j))];
  }
  void begin_backward(Cache& cache, const PackedSequence<T>& memory) const {
    detail::StepMemoryData<T>& m = cache.plan.memory;
    require(m.sequences == &memory, "Recurrent<", Self::name,
            ">: backward without a forward pass of the same memory, the very same object, before it");
    shape_like(m.d, *m.sequences, m.sequences->values.rows());
    m.d.values.setZero();
  }
  const PackedSequence<T>& d_memory(Cache& cache) const { return cache.plan.memory.d; }
  void open_sums(Cache& cache, Index batch) const {
    for (auto* call : cache.plan.calls()) call->begin_backward(batch);
  }
  void close_sums(Cache& cache, Self& gradient) const {
    const auto of = addresses(gradient);
    for (auto* call : cache.plan.calls())
      if (call->part >= 0) call->finish(of[static_cast<std::size_t>(call->part)]);
  }

  void prepare(Cache& cache, Index columns, bool keep) const {
    detail::StepPlan<T>& plan = cache.plan;
    list_parts(cache.parts);
    plan.start();
    StepWiring<T> run(plan, cache.parts);
    const StepNode<T> a{&plan.value(detail::StepValue<T>::Place::gates, 0, self().gate_rows()), &plan};
    const StepNode<T> y = wire(run, a, plan);
    require(y.value->place == detail::StepValue<T>::Place::after && y.value->field == 0,
            "CompositeCell: operator() gives something else than the output of the first cell among its parts; a Delay "
            "there gives what it is given");
    plan.finish();
    for (auto* call : plan.calls()) {
      call->y.prepare(columns);
      call->prepare(columns, keep);
    }
    for (const auto& value : plan.values()) value->prepare(columns);
  }

  template <class P> void step(P& pass, Cache& cache, const Step& at, StepScratch<T>& scratch) const {
    const auto in = within(pass, std::span<Matrix<T>>{}, at, &scratch);
    cache.plan.enter_step(in);
    for (auto* call : cache.plan.calls()) call->step(in);
  }
  template <class P, class D>
  void step_backward(P& pass, Cache& cache, const Step& at, D d, StepScratch<T>& scratch) const {
    const auto in = within(pass, d, at, &scratch);
    const auto calls = cache.plan.calls();
    for (std::size_t k = calls.size(); k-- > 0;) calls[k]->step_backward(in);
    cache.plan.leave_step(in);
  }
  template <class P> void accumulate(P& pass, Cache& cache, Self& gradient, const Columns& columns) const {
    const auto in = within(pass, std::span<Matrix<T>>{}, Step{}, nullptr);
    const auto of = addresses(gradient);
    for (auto* call : cache.plan.calls())
      if (call->part >= 0) call->accumulate(in, of[static_cast<std::size_t>(call->part)], columns);
  }

  Index inputs() const {
    Index n = 0;
    for_first_cell([&](const auto& cell) { n = cell.inputs(); });
    return n;
  }
  Index gate_rows() const {
    Index n = 0;
    for_first_cell([&](const auto& cell) { n = cell.gate_rows(); });
    return n;
  }
  Columns forget_rows() const {
    Columns rows{0, 0};
    for_first_cell([&](const auto& cell) { rows = detail::forget_rows(cell); });
    return rows;
  }
  Index state_rows(int s) const {
    Index rows = 0;
    int field = 0;
    each_cell([&](const auto& cell) {
      for (int own = 0; own < cell.S; ++own)
        if (field++ == s) rows = cell.state_rows(own);
    });
    return rows;
  }
  void set_bias(Bias bias) {
    detail::for_each_part(
        [&](auto, std::string_view, auto& part) {
          if constexpr (requires { part.set_bias(bias); }) part.set_bias(bias);
        },
        self());
  }
  void check_parameters() const {
    each_cell([](const auto& cell) {
      if constexpr (requires { cell.check_parameters(); }) cell.check_parameters();
    });
  }
  void initialize(Rng rng, const Scheme& scheme) { detail::initialize_parts(self(), rng, scheme); }
  template <class F, class... M> static void visit(F&& f, const Path& at, M&... m) { detail::visit_parts(f, at, m...); }

 private:
  Self& self() { return static_cast<Self&>(*this); }
  const Self& self() const { return static_cast<const Self&>(*this); }

  StepNode<T> wire(StepWiring<T>& run, const StepNode<T>& a, detail::StepPlan<T>& plan) const {
    if constexpr (detail::HasMemoryStep<Self, T>)
      return self()(run, a, StepMemory<T>{&plan.memory});
    else if constexpr (detail::HasStep<Self, T>)
      return self()(run, a);
    else
      return a;
  }
  template <class F> void each_cell(F&& f) const {
    detail::for_each_part(
        [&]<class P>(auto, std::string_view, const P& part) {
          if constexpr (Cell<P>) f(part);
        },
        self());
  }
  template <class F> void for_first_cell(const F& f) const {
    each_cell([&, first = true](const auto& cell) mutable {
      if (first) f(cell);
      first = false;
    });
  }
  void list_parts(std::vector<detail::StepPart>& parts) const {
    parts.clear();
    std::size_t field = 0;
    detail::for_each_part(
        [&]<class P>(auto, std::string_view, const P& part) {
          parts.push_back({&part, TypeId::of<P>(), field});
          field += static_cast<std::size_t>(detail::fields_of<P>());
        },
        self());
  }
  static auto addresses(Self& gradient) {
    return std::apply([](auto&... part) { return std::array<void*, sizeof...(part)>{&part...}; }, gradient.parts());
  }
  template <class P>
  static detail::StepPass<T> within(P& pass, std::span<Matrix<T>> d, const Step& at, StepScratch<T>* scratch) {
    return {pass.gates, pass.states, pass.steps, d, pass.mask, pass.order, pass.keep, at, scratch};
  }
};

}  // namespace unroll::inline UNROLL_ABI
