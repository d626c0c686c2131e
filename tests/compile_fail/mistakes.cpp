// What a user is likeliest to write by mistake around a model: what is said is one sentence, near the line.
// CASE 1: must say "a layer cannot take what the layer before it gives"
// CASE 2: must say "a cell here is no layer: Recurrent{Lstm{..}} makes one of it"
// CASE 3: must say "unroll::Recurrent: this is neither a PointwiseCell"
// CASE 4: must say "unroll::FinalState: the layer has no `final_output"
// CASE 5: must say "all layers have one scalar type"
// CASE 6: must say "the scalar of a cell is float or double"
// CASE 7: must say "unroll::Sequential: there is no layer here"
// CASE 8: must say "this model cannot read this data set"
// CASE 9: must say "this model cannot read this data set"
// CASE 10: must say "this is no model: it has no `static void visit(f, const Path&, self...)`"
// CASE 11: must say "the second argument is no loss"
// CASE 12: must say "the second argument is no loss"
// CASE 13: must say "the third argument is neither a rule (Adam{}, Sgd{}, RmsProp{}) nor"
// CASE 14: must say "the third argument is neither a rule (Adam{}, Sgd{}, RmsProp{}) nor"
// CASE 15: must say "the first argument is a variable that is not const"
// CASE 16: must say "the first argument is a variable that is not const"
// CASE 17: must say "a data set of the type of the training data"
// CASE 18: must say "neither a function taking a Run& nor has it one of the members"
// CASE 19: must say "a TokenDataset, SequenceDataset or another data set stands in another place"
// CASE 20: must say "this model cannot read this data set"
// CASE 21: must say "this model cannot take this input"
// CASE 22: must say "the state is a temporary"
// CASE 23: must say "this model ends in a head, which has the loss"
// CASE 24: must say "HeadLoss{} is the loss of a model that ends in a head"
// CASE 25: must say "HeadLoss{} is the loss of a model that ends in a head"
// CASE 26: must say "this model ends in a head, which has the loss"
// CASE 27: must say "HeadLoss{} is the loss of a model that ends in a head"
// CASE 28: must say "the third argument is neither a rule (Adam{}, Sgd{}, RmsProp{}) nor"
// CASE 29: must say "a layer cannot take what the layer before it gives"
// CASE 30: must say "this has no `void add(const MetricBatch<float>&)`"
#include <unroll/unroll.hpp>

using namespace unroll;

/// A model of one's own: with visit, or without.
template <bool visited> struct Average {
  using Scalar = float;
  using State = Nothing;
  template <Tokens In> using Output = Matrix<float>;
  template <Tokens In> struct Cache {
    Matrix<float> y;
    const Matrix<float>& output() const { return y; }
  };
  template <Tokens In> const Matrix<float>& forward(const Context&, const In&, Cache<In>& c, Carry<State> = {}) const {
    return c.y;
  }
  template <Tokens In>
  Nothing backward(const In&, const Matrix<float>&, Cache<In>&, Average&, Carry<State> = {}) const {
    return {};
  }
  void initialize(Rng, const Scheme&) {}
  std::string describe() const { return "Average"; }
  template <class F, class... Self> requires visited
  static void visit(F&&, const Path&, Self&...) {}
};
/// A loss of one's own: with a gradient, or without.
template <bool has_gradient> struct MyLoss {
  template <class T> using Targets = Matrix<T>;
  LossResult operator()(const Matrix<float>&, const Matrix<float>&) const { return {}; }
  LossResult operator()(const Matrix<float>&, const Matrix<float>&, Matrix<float>&, std::span<const double>) const
      requires has_gradient
  {
    return {};
  }
  double weight(const Matrix<float>&) const { return 1; }
};

int main() {
  Sequential model{Embedding{5, 4}, FinalState{Recurrent{Gru{4, 3}}}, Dense{3, 2}};
  Sequential forecaster{FinalState{Recurrent{Gru{1, 3}}}, Dense{3, 1}};
  const TokenDataset data({{1, 2}}, std::vector<int>{1});
  const SequenceDataset<float> series;
  Average<true> own;
  Optimizer optimizer(forecaster, Adam{});
  RecurrentState<float, 1> state;
  Sequential tagger{Embedding{5, 4}, Dense{4, 2}, Crf{2}};
  Sequential language{Embedding{5, 4}, Dense{4, 5}};
  Workspace<decltype(tagger), TokenBatch> work(tagger);
#if CASE == 0
  // Each of these is one step away from a case that must not compile.
  fit(model, CrossEntropy{}, Adam{}, data, {.validation = data, .callbacks = EarlyStopping{}});
  fit(model, CrossEntropy{}, Adam{}, data, {.validation = &data, .callbacks = {EarlyStopping{}, [](Run&) {}}});
  fit(forecaster, MeanSquaredError{}, optimizer, series);
  fit(forecaster, MyLoss<true>{}, Sgd{}, series);
  fit(own, CrossEntropy{}, Adam{}, data);
  evaluate(model, CrossEntropy{}, data);
  evaluate(model, CrossEntropy{}, data, {.metrics = TopK(1)});
  predict(model, data);
  infer(forecaster, Eigen::MatrixXf::Zero(1, 8));
  visit_state([](const Path&, auto&) {}, state);
  fit(tagger, Adam{}, data, {.epochs = 2});
  fit(tagger, HeadLoss{}, Adam{}, data);
  evaluate(tagger, data);
  evaluate(tagger, HeadLoss{}, data, {.batch_size = 2});
  predict(tagger, data);
  add_gradient(tagger, HeadLoss{}, TokenBatch{}, std::vector<Index>{}, work, {});
  fit(language, NextToken{CrossEntropy{}}, Adam{}, data);
#elif CASE == 1
  const Sequential late{Embedding{5, 4}, FinalState{Recurrent{Lstm{4, 3}}}, Recurrent{Lstm{3, 3}}, Dense{3, 2}};
#elif CASE == 2
  const Sequential bare{Embedding{5, 4}, Lstm{4, 3}, Dense{3, 2}};
#elif CASE == 3
  const Bidirectional twice{Recurrent{Lstm{3, 4}}};
#elif CASE == 4
  const Sequential after{Embedding{5, 4}, Recurrent{Lstm{4, 3}}, FinalState{Dense{3, 2}}};
#elif CASE == 5
  const Sequential mixed{Embedding{5, 4}, Recurrent{Lstm<double>{4, 3}}, Dense{3, 2}};
#elif CASE == 6
  const Recurrent integers{Lstm<int>{3, 4}};
#elif CASE == 7
  const Sequential none;
#elif CASE == 8
  fit(model, CrossEntropy{}, Adam{}, series);
#elif CASE == 9
  fit(forecaster, MeanSquaredError{}, Adam{}, SequenceDataset<double>{});
#elif CASE == 10
  Average<false> no_model;
  fit(no_model, CrossEntropy{}, Adam{}, data);
#elif CASE == 11
  fit(model, Adam{}, CrossEntropy{}, data);
#elif CASE == 12
  fit(forecaster, MyLoss<false>{}, Adam{}, series);
#elif CASE == 13
  fit(model, CrossEntropy{}, 0.01, data);
#elif CASE == 14
  fit(model, CrossEntropy{}, optimizer, data);
#elif CASE == 15
  fit(Sequential{Embedding{5, 4}, FinalState{Recurrent{Gru{4, 3}}}, Dense{3, 2}}, CrossEntropy{}, Adam{}, data);
#elif CASE == 16
  const auto& seen = model;
  fit(seen, CrossEntropy{}, Adam{}, data);
#elif CASE == 17
  fit(model, CrossEntropy{}, Adam{}, data, {.validation = series});
#elif CASE == 18
  fit(model, CrossEntropy{}, Adam{}, data, {.callbacks = 3});
#elif CASE == 19
  evaluate(model, data, CrossEntropy{});
#elif CASE == 20
  predict(model, series);
#elif CASE == 21
  infer(model, Eigen::MatrixXf::Zero(1, 8));
#elif CASE == 22
  visit_state([](const Path&, auto&) {}, RecurrentState<float, 1>{});
#elif CASE == 23
  fit(tagger, CrossEntropy{}, Adam{}, data);
#elif CASE == 24
  fit(model, Adam{}, data);
#elif CASE == 25
  evaluate(model, HeadLoss{}, data);
#elif CASE == 26
  add_gradient(tagger, CrossEntropy{}, TokenBatch{}, std::vector<Index>{}, work, {});
#elif CASE == 27
  fit(language, NextToken{HeadLoss{}}, Adam{}, data);
#elif CASE == 28
  fit(tagger, 0.1, data);
#elif CASE == 29
  const Sequential late_crf{Embedding{5, 4}, FinalState{Recurrent{Lstm{4, 3}}}, Dense{3, 2}, Crf{2}};
#elif CASE == 30
  evaluate(model, CrossEntropy{}, data, {.metrics = 3});
#endif
}
