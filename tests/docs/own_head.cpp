// A loss and a head of one's own, and the heads there are.
// region includes
#include <iostream>

#include <unroll/testing/check_gradient.hpp>
#include <unroll/unroll.hpp>

using namespace unroll;
// endregion

// region smooth
/// Predictions that should not jump: the mean over the steps of (y - target)^2 + 0.1 (y - y of the step before)^2.
struct SmoothError {
  template <class T> using Targets = Matrix<T>;

  template <class T>
  LossResult operator()(const PackedSequence<T>& y, const Matrix<T>& targets, PackedSequence<T>& dy,
                        std::span<const double> = {}) const {
    dy = y;
    dy.values.setZero();
    return compute(y, targets, &dy.values);
  }
  template <class T> LossResult operator()(const PackedSequence<T>& y, const Matrix<T>& targets) const {
    return compute(y, targets, static_cast<Matrix<T>*>(nullptr));
  }
  template <class T> double weight(const Matrix<T>& targets) const { return double(targets.cols()); }

 private:
  template <class T> LossResult compute(const PackedSequence<T>& y, const Matrix<T>& targets, Matrix<T>* dy) const {
    const Packing& p = y.packing;
    double sum = 0;
    const auto add = [&](T difference, double factor, Index n, Index other) {
      sum += factor * double(difference) * double(difference);
      if (dy == nullptr) return;
      const T d = static_cast<T>(2 * factor / weight(targets)) * difference;
      (*dy)(0, n) += d;
      if (other >= 0) (*dy)(0, other) -= d;
    };
    for (Index t = 0; t < p.steps(); ++t)
      for (Index j = 0; j < p.batch_size(t); ++j) {  // the sequences that are still running
        const Index n = p.offset(t) + j, before = t > 0 ? p.offset(t - 1) + j : -1;
        add(y.values(0, n) - targets(0, n), 1, n, -1);
        if (t > 0) add(y.values(0, n) - y.values(0, before), 0.1, n, before);
      }
    return {sum / weight(targets), weight(targets)};
  }
};
// endregion

// region gaussian
/// A regression that learns how far off it is: targets are normal around z with a variance exp(s) that is a parameter.
///   l = (s + (y - z)^2 exp(-s)) / 2
template <class T = float> struct Gaussian : HeadLayer<Gaussian<T>, T> {
  Parameter<T> log_variance = Matrix<T>::Zero(1, 1);
  struct Scratch {
    Matrix<T> error;
  };

  Index inputs() const { return 1; }
  HeadResult loss(const Matrix<T>& z, const Matrix<T>& y, Scratch& scratch) const {
    scratch.error = z - y;
    const double s = double(log_variance(0, 0)), n = weight_of(y);
    return {(s + double(scratch.error.squaredNorm()) / n * std::exp(-s)) / 2, n};
  }
  HeadResult loss(const Matrix<T>& z, const Matrix<T>& y, Matrix<T>& dz, Gaussian& gradient, Scratch& scratch,
                  std::span<const double> = {}, double whole_weight = 0) const {
    const HeadResult result = loss(z, y, scratch);
    const T divisor = static_cast<T>(whole_weight > 0 ? whole_weight : result.weight);
    const T precision = std::exp(-log_variance(0, 0));
    dz = scratch.error * (precision / divisor);
    if (log_variance.trainable)
      gradient.log_variance(0, 0) += (T(z.cols()) - scratch.error.squaredNorm() * precision) / (2 * divisor);
    return result;
  }
  double weight_of(const Matrix<T>& y) const { return double(y.cols()); }
  const Matrix<T>& decode(const Matrix<T>& z, Scratch&) const { return z; }  // what predict gives

  std::string describe() const { return "Gaussian"; }
  template <class F, class... Self> static void visit(F&& f, const Path& at, Self&... self) {
    f(at.leaf("log_variance", Kind::bias), self.log_variance...);
  }
};
template <class T = float> auto make_forecaster() {
  return Sequential{FinalState{Recurrent{Gru<T>{1, 8}}}, Dense<T>{8, 1}, Gaussian<T>{}};
}
// endregion

// region language
/// The table of the embedding is the weight of the softmax, too.
struct Language : Composite<Language> {
  Embedding<> embed{60, 16};
  Recurrent<Lstm<>> read{Lstm{16, 16}};
  SoftmaxClassifier<> head{16, 60, {.tied = true}};
  UNROLL_PARTS(embed, read, head)
  auto operator()(Wiring& run, Node<TokenBatch> x) const { return run(head, run(read, run(embed, x))); }
};
// endregion

namespace {
/// Sentences of 12 words, 0 to 3 of which begin a name (B), and the words after it that belong to it (I).
TokenDataset tagged(Index n, Rng rng, const std::vector<std::string>& names) {
  std::vector<std::vector<std::int32_t>> ids;
  std::vector<std::vector<Index>> labels;
  for (Index k = 0; k < n; ++k) {
    auto& words = ids.emplace_back();
    auto& tags = labels.emplace_back();
    for (Index inside = 0, t = 0; t < 12; ++t) {
      const bool begins = inside == 0 && rng.below(5) == 0;
      if (begins) inside = 1 + Index(rng.below(2));
      words.push_back(std::int32_t(begins ? 10 + rng.below(5) : rng.below(10)));
      tags.push_back(begins ? 0 : inside > 0 ? 1 : 2);
      if (!begins && inside > 0) --inside;
    }
  }
  return TokenDataset(ids, {labels, names});
}
}  // namespace

int main() {
  {
    const std::vector<std::string> names{"B-X", "I-X", "O"};
    const TokenDataset training = tagged(300, Rng(1), names), test = tagged(100, Rng(2), names);
    const std::vector<std::int32_t> sentence{3, 11, 4, 2};
    // region tagger
    Sequential model{Embedding{20, 8}, Bidirectional{Gru{8, 8}}, Dense{16, 3},
                     Crf{3, forbidden_by(TagScheme::bio, names)}};
    initialize(model, Rng(1));
    fit(model, Adam{.rate = 1e-2}, training, {.epochs = 4, .batch_size = 10});
    std::cout << "accuracy above 0.8: " << (evaluate(model, test).accuracy > 0.8) << "\n";
    const std::vector<Index> tags = predict(model, sentence);  // the likeliest sequence of labels; infer: the scores
    std::cout << "second word: " << names[std::size_t(tags[1])] << "\n";
    // endregion
    // region sure
    const PackedSequence<float> scores{infer(model, sentence), pack(sentence).packing};
    std::cout << "sure of it: " << (head_of(model).marginals(scores).values(tags[1], 1) > 0.9f) << "\n";
    // endregion
  }
  {
    std::vector<std::vector<std::int32_t>> ids;
    for (std::int32_t k = 0; k < 120; ++k)
      for (std::int32_t t = 0; t < 6; ++t) (t == 0 ? ids.emplace_back() : ids.back()).push_back((k + 7 * t) % 60);
    const TokenDataset texts(ids);
    // region next
    Language model;
    initialize(model, Rng(1));
    fit(model, NextToken{HeadLoss{}}, Adam{.rate = 1e-2}, texts, {.epochs = 40, .batch_size = 20});  // without targets
    std::cout << "nats a word below 0.5: " << (evaluate(model, NextToken{HeadLoss{}}, texts).loss < 0.5) << "\n";
    // endregion
  }
  std::vector<Eigen::MatrixXf> series;
  Eigen::MatrixXf next(1, 200);
  Rng rng(3);
  for (Index k = 0; k < 200; ++k) {
    Eigen::MatrixXf x(1, 10);
    for (Index t = 0; t < 10; ++t) x(0, t) = std::sin(0.5f * float(k + t));
    series.push_back(x);
    next(0, k) = std::sin(0.5f * float(k + 10)) + 0.1f * float(rng.normal());
  }
  {
    const SequenceDataset<float> data(series, next);
    // region forecast
    auto model = make_forecaster();
    initialize(model, Rng(1));
    fit(model, Adam{.rate = 1e-2}, data, {.epochs = 60, .batch_size = 20});
    const float deviation = std::exp(0.5f * head_of(model).log_variance(0, 0));
    std::cout << "noise of 0.1 found: " << (deviation > 0.07f && deviation < 0.13f) << "\n";
    // endregion
    // region check
    auto in_double = make_forecaster<double>();
    randomize(in_double, Rng(1));
    const std::vector<Eigen::MatrixXd> x{Eigen::MatrixXd::Random(1, 5), Eigen::MatrixXd::Random(1, 2)};
    const Matrix<double> targets = Eigen::MatrixXd::Random(1, 2);
    std::cout << "gradient: " << check_gradient(in_double, HeadLoss{}, pack(x), targets).passed() << "\n";

    Sequential steps{Recurrent{Gru<double>{1, 4}}, Dense<double>{4, 1}};
    randomize(steps, Rng(1));
    const Matrix<double> of_steps = Eigen::MatrixXd::Random(1, 7);
    std::cout << "gradient: " << check_gradient(steps, SmoothError{}, pack(x), of_steps).passed() << "\n";
    // endregion
  }
}
