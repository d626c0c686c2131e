// Losses and clipping against PyTorch's and Keras's.
#include <algorithm>
#include <numeric>

#include <unroll/core/pack.hpp>
#include <unroll/head/ctc.hpp>
#include <unroll/head/softmax_classifier.hpp>
#include <unroll/loss/binary_cross_entropy.hpp>
#include <unroll/loss/cross_entropy.hpp>
#include <unroll/loss/gaussian_nll.hpp>
#include <unroll/loss/huber.hpp>
#include <unroll/loss/mean_absolute_error.hpp>
#include <unroll/loss/mean_squared_error.hpp>
#include <unroll/loss/quantile.hpp>
#include <unroll/loss/student_t_nll.hpp>
#include <unroll/optim/clip.hpp>

#include "golden.hpp"

namespace {

using namespace unroll;

template <class Loss, class Targets>
void check_case(const Golden& golden, const std::string& name, const Loss& loss, const Targets& targets,
                std::span<const double> sample_weights = {}, const std::string& input = ".logits") {
  CAPTURE(name);
  const auto logits = golden.columns(name + input);
  Matrix<double> d_logits;
  check_close("loss", loss(logits, targets, d_logits, sample_weights).loss, golden.number(name + ".loss"));
  check_close("grad", d_logits, golden.columns(name + ".grad"));
  if (sample_weights.empty()) check_close("loss alone", loss(logits, targets).loss, golden.number(name + ".loss"));
}

std::vector<Index> labels_of(const Matrix<double>& targets) {
  std::vector<Index> labels;
  for (const double target : targets.reshaped()) labels.push_back(static_cast<Index>(target));
  return labels;
}

/// Three gradients without a layer around them.
struct Gradients {
  Parameter<double> a, b, c;
  template <class F, class... Self> static void visit(F&& f, const Path& at, Self&... self) {
    f(at.leaf("a", Kind::weight), self.a...);
    f(at.leaf("b", Kind::bias), self.b...);
    f(at.leaf("c", Kind::weight), self.c...);
  }
  explicit Gradients(const Golden& golden) : a(4, 3), b(4, 1), c(2, 5) { golden.load(*this); }
};

}  // namespace

TEST_CASE("binary cross-entropy is PyTorch's: soft targets, several outputs, positive weights, weights") {
  const Golden golden("pytorch_binary_cross_entropy");
  for (const std::string name : {"plain", "soft", "extreme", "several"})
    check_case(golden, name, BinaryCrossEntropy{}, golden.columns(name + ".targets"));
  for (const std::string name : {"plain", "extreme"})
    check_case(golden, name, BinaryCrossEntropy{}, labels_of(golden.columns(name + ".targets")));
  check_case(golden, "pos_weight", BinaryCrossEntropy{.pos_weight = golden.number("pos_weight.pos_weight")},
             golden.columns("pos_weight.targets"));
  check_case(golden, "several_pos_weight",
             BinaryCrossEntropy{.pos_weights = golden.numbers("several_pos_weight.pos_weight")},
             golden.columns("several_pos_weight.targets"));
  check_case(golden, "weight", BinaryCrossEntropy{}, golden.columns("weight.targets"), golden.numbers("weight.weight"));
  golden.check_all_read();
}

TEST_CASE("cross-entropy is PyTorch's: smoothing, ignored labels, class weights, and all of them together") {
  const Golden golden("pytorch_cross_entropy");
  const auto weights = golden.numbers("class_weights");
  const double smoothing = golden.number("label_smoothing");
  const std::vector<std::pair<std::string, CrossEntropy>> cases{
      {"plain", {}},
      {"extreme", {}},
      {"label_smoothing", {.label_smoothing = smoothing}},
      {"ignore_index", {}},
      {"ignore_class_2", {.ignore_index = 2}},
      {"class_weights", {.class_weights = weights}},
      {"class_weights_label_smoothing", {.label_smoothing = smoothing, .class_weights = weights}},
      {"class_weights_ignore_index", {.class_weights = weights}},
      {"all_options", {.label_smoothing = smoothing, .class_weights = weights}}};
  for (const auto& [name, loss] : cases) check_case(golden, name, loss, golden.integers(name + ".targets"));

  // Per step: padding marked by ignore_index, and padding that is not there.
  const auto targets = golden.integers("per_step.targets");
  check_case(golden, "per_step", CrossEntropy{}, targets);
  const auto padded = golden.columns("per_step.logits");
  const auto logits = pack(batch_first(padded.data(), 5, 7, padded.rows()), golden.integers("per_step.lengths"));
  PackedSequence<double> d_logits;
  check_close("per_step packed", cross_entropy(logits, pack_steps(std::span(targets), logits.packing), d_logits),
              golden.number("per_step.loss"));
  check_close("per_step packed grad", unpack(d_logits), golden.columns("per_step.grad"));
  golden.check_all_read();
}

TEST_CASE("the softmax in blocks is PyTorch's linear and cross_entropy: smoothing, an ignored label") {
  const Golden golden("pytorch_linear_cross_entropy");
  const auto targets = golden.integers("targets");
  for (const std::string name : {"plain", "label_smoothing"}) {
    CAPTURE(name);
    SoftmaxClassifier<double> head(3, 530, {.label_smoothing = name == "plain" ? 0 : golden.number("smoothing")});
    head.weight = golden.columns(name + ".weight").transpose();
    head.bias = golden.columns(name + ".bias").reshaped();
    SoftmaxClassifier<double> gradient = zeros_like(head);
    SoftmaxClassifier<double>::Scratch scratch;
    Matrix<double> dh;
    check_close("loss", head.loss(golden.columns(name + ".h"), targets, dh, gradient, scratch).loss,
                golden.number(name + ".loss"));
    check_close("grad h", dh, golden.columns(name + ".grad.h"));
    check_close("grad weight", gradient.weight, golden.columns(name + ".grad.weight").transpose());
    check_close("grad bias", gradient.bias, golden.columns(name + ".grad.bias").reshaped());
  }
  golden.check_all_read();
}

TEST_CASE("mean squared error is PyTorch's") {
  const Golden golden("pytorch_mean_squared_error");
  check_case(golden, "plain", MeanSquaredError{}, golden.columns("plain.targets"), {}, ".predictions");
  golden.check_all_read();
}

TEST_CASE("losses of numbers are PyTorch's: absolute, Huber's, pinball, normal and Student's t") {
  const Golden golden("pytorch_losses_of_numbers");
  const auto check = [&](const std::string& name, const auto& loss) {
    check_case(golden, name, loss, golden.columns(name + ".targets"), {}, ".predictions");
  };
  check("absolute", MeanAbsoluteError{});
  check("huber", Huber{});
  check("huber_small", Huber{.delta = 0.3});
  check("pinball", Quantile{golden.numbers("levels")});
  for (const Spread spread : {Spread::softplus, Spread::exponential}) {
    const std::string name = spread == Spread::softplus ? "softplus" : "exponential";
    check("gaussian_" + name, GaussianNll{.spread = spread});
    check("student_" + name, StudentTNll{.spread = spread});
    check("student_fixed_" + name, StudentTNll{.degrees = 4.5, .spread = spread});
  }
  golden.check_all_read();
}

TEST_CASE("losses with sample weights are Keras's: the mean divides by the rows, not by the weights") {
  const Golden golden("keras_losses");
  const auto weights = [&](const std::string& name) { return golden.numbers(name + ".sample_weight"); };
  check_case(golden, "binary", BinaryCrossEntropy{}, golden.columns("binary.targets"));
  check_case(golden, "binary_sample_weight", BinaryCrossEntropy{}, golden.columns("binary_sample_weight.targets"),
             weights("binary_sample_weight"));
  check_case(golden, "sparse", CrossEntropy{}, golden.integers("sparse.targets"));
  check_case(golden, "sparse_sample_weight", CrossEntropy{}, golden.integers("sparse_sample_weight.targets"),
             weights("sparse_sample_weight"));
  const auto one_hot = golden.columns("label_smoothing_sample_weight.targets");
  std::vector<Index> labels(6);
  for (Index n = 0; n < 6; ++n) one_hot.col(n).maxCoeff(&labels[static_cast<std::size_t>(n)]);
  check_case(golden, "label_smoothing_sample_weight",
             CrossEntropy{.label_smoothing = std::stod(golden.metadata("label_smoothing"))}, labels,
             weights("label_smoothing_sample_weight"));
  check_case(golden, "mean_squared_error_sample_weight", MeanSquaredError{},
             golden.columns("mean_squared_error_sample_weight.targets"), weights("mean_squared_error_sample_weight"));
  golden.check_all_read();
}

TEST_CASE("clipping is PyTorch's: by global norm, a norm below the limit left alone, by value") {
  const Golden golden("pytorch_clipping");
  for (const double limit : {1.0, 2.0, 100.0}) {
    Gradients gradients(golden);
    check_close("norm", clip_by_global_norm(gradients, limit, {.epsilon = 1e-6}), golden.number("norm"));
    golden.check_parameters(gradients, concat_text("norm_", limit, "."));
    if (limit < golden.number("norm")) {  // the same without PyTorch's epsilon
      Gradients exact(golden);
      clip_by_global_norm(exact, limit);
      check_close("norm after", global_norm(exact), limit);
    }
  }
  Gradients gradients(golden);
  clip_by_value(gradients, 0.5);
  golden.check_parameters(gradients, "value_0.5.");
  golden.check_all_read();
}

TEST_CASE("CTC is PyTorch's: every blank, repeated labels, empty targets, and those that no path says") {
  const Golden golden("pytorch_ctc");
  for (const std::string name : {"first", "middle", "last", "short"}) {
    CAPTURE(name);
    const auto logits = golden.columns(name + ".logits");
    const auto lengths = golden.integers(name + ".lengths"), flat = golden.integers(name + ".labels"),
               label_lengths = golden.integers(name + ".label_lengths"), blank = golden.integers(name + ".blank");
    const auto losses = golden.numbers(name + ".losses");
    LabelSequences targets;
    double mean = 0;
    for (std::size_t b = 0, first = 0; b < label_lengths.size(); first += std::size_t(label_lengths[b++])) {
      targets.append(std::span(flat).subspan(first, std::size_t(label_lengths[b])));
      mean += losses[b] / std::max(1.0, double(label_lengths[b])) / double(losses.size());
    }
    const auto B = Index(lengths.size());
    const PackedSequence<double> z =
        pack(batch_first(logits.data(), B, logits.cols() / B, logits.rows()), std::span(lengths));
    const Ctc<double> head(logits.rows(), {.blank = blank[0], .skip_infeasible = name == "short"});
    Ctc<double>::Scratch s;
    Ctc<double> gradient = head;
    PackedSequence<double> dz;
    const HeadResult result = head.loss(z, targets, dz, gradient, s, {}, 1);
    for (std::size_t b = 0; b < losses.size(); ++b) check_close("loss", s.losses[b], losses[b]);
    check_close("grad", unpack(dz), golden.columns(name + ".grad"));
    check_close("mean", mean, golden.number(name + ".mean"));
    check_close("sum", result.loss * result.weight, std::accumulate(losses.begin(), losses.end(), 0.0));
    CHECK(s.infeasible == (name == "short" ? 3 : 0));
  }
  golden.check_all_read();
}
