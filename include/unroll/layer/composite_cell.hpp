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
#include <unroll/layer/step_wiring.hpp>

namespace unroll::inline UNROLL_ABI {

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
    bool same_weights = false, same_memory = false;  ///< as in the pass before: see Context
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
    m.is_same = cache.same_memory && m.sequences == &memory;
    m.sequences = &memory;
    detail::sorted_positions(memory.packing, m.of_row);
    m.place.resize(m.of_row.size());
    for (Index j = 0; j < batch.batch(); ++j)
      m.place[static_cast<std::size_t>(j)] = m.of_row[static_cast<std::size_t>(batch.row(j))];
  }
  /// After the loop: how the parts looked at the memory.
  void show_attention(Cache& cache, const Packing& batch, AttentionRecord& record) const
      requires detail::HasMemoryStep<Self, T>
  {
    for (auto* call : cache.plan.calls()) call->show_attention(batch, record);
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
      call->prepare(columns, keep, cache.same_weights);
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
