// The calls of a CompositeCell's parts in one of its steps.
#pragma once

#include <array>
#include <span>
#include <tuple>
#include <vector>

#include <unroll/layer/attention_record.hpp>
#include <unroll/layer/parts.hpp>
#include <unroll/layer/recurrent/options.hpp>
#include <unroll/layer/step_of.hpp>
#include <unroll/layer/step_value.hpp>

namespace unroll::inline UNROLL_ABI {

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

 protected:
  void tell([[maybe_unused]] bool same_weights) {
    if constexpr (requires { of.same_weights; }) of.same_weights = same_weights;
  }

 private:
  StepValue<T>& x() const { return *this->inputs[0].value; }
  Matrix<T> operand_;
};
template <class P, class T> class PartCall final : public StatelessCall<P, T> {
 public:
  void prepare(Index columns, bool keep, bool same_weights) override {
    this->tell(same_weights);
    this->of.prepare(*this->p, columns, keep);
  }
};
/// Of a part that looks at the memory.
template <class P, class T> class MemoryCall final : public StatelessCall<P, T> {
 public:
  StepMemoryData<T>* memory = nullptr;

  void prepare(Index columns, bool keep, bool same_weights) override {
    this->tell(same_weights);
    this->of.prepare(*this->p, *memory, columns, keep);
  }
  void show_attention([[maybe_unused]] const Packing& batch, [[maybe_unused]] AttentionRecord& record) const override {
    if constexpr (requires { this->of.weights; })
      if (this->of.weights.cols() == batch.total()) record.add(this->of.weights, batch, memory->sequences->packing);
  }
  void begin_backward(Index) override { this->of.begin_backward(); }
  void finish(void* gradient) override { this->of.finish(*this->p, *static_cast<P*>(gradient)); }
};

/// A cell in a step of another.
template <class C> class CellCall final : public StepCall<typename C::Scalar> {
 public:
  using T = typename C::Scalar;
  static constexpr int S = C::S;
  const C* cell = nullptr;

  void prepare(Index columns, bool keep, bool same_weights) override {
    if constexpr (requires { cache_.same_weights; }) cache_.same_weights = same_weights;
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

}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
