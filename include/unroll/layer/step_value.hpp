// A value of a step of a cell that is made of parts, and what a call of a part is to that cell.
#pragma once

#include <algorithm>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <unroll/cell/cell.hpp>
#include <unroll/core/type_id.hpp>

namespace unroll::inline UNROLL_ABI {

/// Columns of a step, or of many: whole columns side by side of a matrix (rows, n) that a cell's cache has.
template <class T> using StepColumns = decltype(std::declval<Matrix<T>&>().middleCols(0, 0));

namespace detail {

/// One step of a range of sequences on its way through the calls.
template <class T> struct StepPass {
  Matrix<T>& gates;
  std::span<Matrix<T>> states;
  std::span<const Step> steps;
  std::span<Matrix<T>> d;  ///< on the way back: of the states, at Step::column
  const RecurrentMask<T>& mask;
  Blocks order;
  bool keep;
  Step at;
  StepScratch<T>* scratch;

  /// The step as parts see it: `at` is its column in what has one for each step, or, where no backward follows, one for
  /// each sequence.
  Step own() const {
    Step step = at;
    step.at = step.gates = keep ? at.at : at.column;
    return step;
  }
  StepColumns<T> columns_of(Matrix<T>& m) const { return m.middleCols(own().at, at.n); }
};

/// A value (rows, n) of every step.
template <class T> class StepValue {
 public:
  enum class Place { own, gates, before, after };  ///< where the columns are: here, in the layer's gates, in a state

  Place place = Place::own;
  std::size_t field = 0;  ///< of the states
  Index rows = 0;
  bool has_gradient = false;  ///< somebody reads the value, so that a gradient comes

  void prepare(Index columns) {
    values_.resize(place == Place::own ? rows : 0, columns);
    d_.resize(place != Place::after ? rows : 0, columns);
  }
  StepColumns<T> of(const StepPass<T>& pass) {
    switch (place) {
      case Place::gates:
        return pass.gates.middleCols(pass.at.gates, pass.at.n);
      case Place::before:
        return pass.states[field].middleCols(pass.at.in, pass.at.n);
      case Place::after:
        return pass.states[field].middleCols(pass.at.out, pass.at.n);
      case Place::own:
        break;
    }
    return pass.columns_of(values_);
  }
  StepColumns<T> gradient(const StepPass<T>& pass) {
    return place == Place::after ? pass.d[field].middleCols(pass.at.column, pass.at.n) : pass.columns_of(d_);
  }
  /// f(values) of columns of many steps; those of a state are gathered into `operand`.
  template <class F>
  void with_columns(const StepPass<T>& pass, const Columns& columns, Matrix<T>& operand, const F& f) {
    if (place == Place::own) return f(values_.middleCols(columns.first, columns.n));
    operand.resize(rows, columns.n);
    for_each_step(pass.steps, columns, [&](const Step& s, Index skipped, Index at, Index n) {
      operand.middleCols(at, n) = pass.states[field].middleCols((place == Place::before ? s.in : s.out) + skipped, n);
    });
    f(operand.middleCols(0, columns.n));
  }
  StepColumns<T> gradient_columns(const Columns& columns) { return d_.middleCols(columns.first, columns.n); }

 private:
  Matrix<T> values_, d_;
};

/// A value that a call reads.
template <class T> struct StepInput {
  StepValue<T>* value = nullptr;
  Accumulate add = Accumulate::no;  ///< yes: another reader's gradient is there already when this one's comes

  /// gradient += d, or the first of several.
  template <class D> void give(const StepPass<T>& pass, const D& d) const {
    if (add == Accumulate::yes)
      value->gradient(pass) += d;
    else
      value->gradient(pass) = d;
  }
};

/// A call of a part or a function in the step; the same one at every step.
template <class T> class StepCall {
 public:
  virtual ~StepCall() = default;

  std::vector<StepInput<T>> inputs;
  StepValue<T> y;
  std::ptrdiff_t part = -1;  ///< which of the cell's; -1 of a function

  /// Whether backward reads the values of the inputs again.
  virtual bool reads_again() const { return false; }
  /// `same_weights`: those of the pass before, whose call this was.
  virtual void prepare(Index columns, bool keep, bool same_weights) = 0;
  virtual void step(const StepPass<T>& pass) = 0;
  virtual void step_backward(const StepPass<T>& pass) = 0;
  /// After the forward pass, of a part that has looked at the memory.
  virtual void show_attention(const Packing&, AttentionRecord&) const {}
  /// The gradient of the part +=, over these columns.
  virtual void accumulate(const StepPass<T>&, void*, const Columns&) {}
  /// Before the loop back through a batch and after it, for what is one thing for all steps.
  virtual void begin_backward(Index) {}
  virtual void finish(void*) {}
};

/// The memory of a cell: sequences that are the same at all its steps.
template <class T> struct StepMemoryData {
  const PackedSequence<T>* sequences = nullptr;
  bool is_same = false;       ///< as in the pass before
  std::vector<Index> of_row;  ///< sorted position among them of each of the user's rows
  std::vector<Index> place;   ///< the same of each sequence of the batch in sorted order
  PackedSequence<T> d;
};

/// What a cell's operator() has called.
template <class T> class StepPlan {
 public:
  StepMemoryData<T> memory;

  void start() {
    calls_.clear();
    used_ = 0;
    values_used_ = 0;
  }
  /// The next record, of type C; kept from pass to pass.
  template <class C> C& next() {
    if (used_ == kept_.size()) kept_.push_back({TypeId::of<C>(), nullptr});
    Kept& kept = kept_[used_++];
    if (kept.call == nullptr || !(kept.type == TypeId::of<C>())) kept = {TypeId::of<C>(), std::make_unique<C>()};
    calls_.push_back(kept.call.get());
    kept.call->inputs.clear();
    return static_cast<C&>(*kept.call);
  }
  StepValue<T>& value(typename StepValue<T>::Place place, std::size_t field, Index rows) {
    if (values_used_ == values_.size()) values_.push_back(std::make_unique<StepValue<T>>());
    StepValue<T>& value = *values_[values_used_++];
    value.place = place, value.field = field, value.rows = rows;
    return value;
  }
  std::span<StepCall<T>* const> calls() const { return calls_; }
  /// When all is called: what nobody reads goes, and the gradient of a value is that of its last reader, then added to.
  void finish() {
    for (auto* call : calls_) call->y.has_gradient = false;
    for (const auto& value : values()) value->has_gradient = false;
    const auto is_read = [](const StepCall<T>& call) {
      return call.y.place == StepValue<T>::Place::after || call.y.has_gradient;
    };
    for (std::size_t k = calls_.size(); k-- > 0;) {
      if (!is_read(*calls_[k])) continue;
      for (StepInput<T>& in : calls_[k]->inputs) {
        in.add =
            in.value->has_gradient || in.value->place == StepValue<T>::Place::after ? Accumulate::yes : Accumulate::no;
        in.value->has_gradient = true;
        // The cell leaves other numbers there.
        if (in.value->place == StepValue<T>::Place::gates && calls_[k]->reads_again())
          in.value->place = StepValue<T>::Place::own;
      }
    }
    calls_.erase(std::remove_if(calls_.begin(), calls_.end(), [&](const StepCall<T>* call) { return !is_read(*call); }),
                 calls_.end());
  }
  /// The first of the values is what the layer has made of its input, the others are states before the step.
  void enter_step(const StepPass<T>& pass) {
    if (values_[0]->place == StepValue<T>::Place::own)
      values_[0]->of(pass) = pass.gates.middleCols(pass.at.gates, pass.at.n);
  }
  void leave_step(const StepPass<T>& pass) {
    for (const auto& value : values().subspan(1))
      if (value->has_gradient) pass.d[value->field].middleCols(pass.at.column, pass.at.n) += value->gradient(pass);
    auto da = pass.gates.middleCols(pass.at.at, pass.at.n);
    if (values_[0]->has_gradient)
      da = values_[0]->gradient(pass);
    else
      da.setZero();
  }
  auto values() const { return std::span(values_).first(values_used_); }

 private:
  struct Kept {
    TypeId type;
    std::unique_ptr<StepCall<T>> call;
  };
  std::vector<Kept> kept_;
  std::vector<StepCall<T>*> calls_;
  std::vector<std::unique_ptr<StepValue<T>>> values_;
  std::size_t used_ = 0, values_used_ = 0;
};

}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
