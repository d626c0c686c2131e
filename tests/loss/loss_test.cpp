#include <doctest/doctest.h>

#include <unroll/core/pack.hpp>
#include <unroll/loss/binary_cross_entropy.hpp>
#include <unroll/loss/cross_entropy.hpp>
#include <unroll/loss/mean_squared_error.hpp>

using namespace unroll;

static_assert(Loss<BinaryCrossEntropy, float> && Loss<CrossEntropy, double> && Loss<MeanSquaredError, float>);
static_assert(Classification<BinaryCrossEntropy> && Classification<CrossEntropy>);
static_assert(!Classification<MeanSquaredError> && !Loss<int>);
static_assert(std::is_aggregate_v<BinaryCrossEntropy> && std::is_aggregate_v<CrossEntropy>);

namespace {
/// The least a loss can be: nothing here may need more than the concept says.
struct SumOfOutputs {
  template <class T> using Targets = std::vector<Index>;
  template <class T>
  LossResult operator()(const Matrix<T>& output, const std::vector<Index>& targets, Matrix<T>& d_output,
                        std::span<const double>) const {
    d_output.resize(output.rows(), output.cols());
    d_output.setOnes();
    return (*this)(output, targets);
  }
  template <class T> LossResult operator()(const Matrix<T>& output, const std::vector<Index>& targets) const {
    return {double(output.sum()), weight(targets)};
  }
  double weight(const std::vector<Index>&) const { return 1; }
};
static_assert(Loss<SumOfOutputs> && !Classification<SumOfOutputs>);

Matrix<double> loss_waves(Index rows, Index cols) {
  Matrix<double> m(rows, cols);
  for (Index k = 0; k < m.size(); ++k) m.data()[k] = 3 * std::sin(1.7 * double(k) + 0.3);
  return m;
}
}  // namespace

TEST_CASE("labels are seen in any container, of any integer type") {
  const std::vector<Index> wide{4, -100, 2};
  const std::vector<std::int32_t> narrow{4, -100, 2};
  const std::array<Index, 3> fixed{4, -100, 2};
  for (const Labels labels : {Labels(wide), Labels(narrow), Labels(fixed), Labels(std::span(narrow))}) {
    REQUIRE(labels.size() == 3);
    CHECK(labels[0] == 4);
    CHECK(labels[1] == -100);
    CHECK(labels[2] == 2);
  }
  const std::vector<std::uint8_t> bytes{4, 255};
  const std::vector<unsigned> naturals{4, 255};
  const std::array<short, 2> shorts{4, 255};
  for (const Labels labels : {Labels(bytes), Labels(naturals), Labels(shorts)}) {
    REQUIRE(labels.size() == 2);
    CHECK(labels[0] == 4);
    CHECK(labels[1] == 255);
  }
  CHECK(Labels().size() == 0);
  CHECK(Labels(std::vector<std::int32_t>{}).size() == 0);
}

TEST_CASE("a loss of our own works on packed sequences") {
  const std::vector<Index> lengths{2, 1};
  PackedSequence<float> output{Matrix<float>(2, 3), Packing::from_lengths(lengths, 2)}, d;
  output.values << 1, 2, 3, 4, 5, 6;
  const std::vector<Index> targets;
  CHECK(compute_loss(SumOfOutputs{}, output, targets, d).loss == 21);
  CHECK(compute_loss(SumOfOutputs{}, output, targets).loss == 21);
  CHECK(d.values.sum() == 6);
  CHECK(output_values(output).cols() == 3);
}

TEST_CASE("per step, a loss is that of all steps of all sequences, in packed order") {
  const std::vector<Index> lengths{2, 4, 0, 3};
  PackedSequence<double> logits{loss_waves(5, 9), Packing::from_lengths(lengths, 4)};
  std::vector<Index> padded(16, -1);
  for (Index b = 0; b < 4; ++b)
    for (Index t = 0; t < lengths[std::size_t(b)]; ++t) padded[std::size_t(b * 4 + t)] = (2 * b + 3 * t) % 5;
  const auto labels = pack_steps<Index>(padded, logits.packing);
  PackedSequence<double> d;
  const double loss = cross_entropy(logits, labels, d);
  double expected = 0;
  for (Index n = 0; n < 9; ++n) {
    const Index b = logits.packing.sequence_of(n), t = logits.packing.time_of(n);
    const auto x = logits.values.col(n).array();
    expected += std::log(x.exp().sum()) - x((2 * b + 3 * t) % 5);
  }
  CHECK(loss == doctest::Approx(expected / 9).epsilon(1e-13));
  CHECK(d.packing == logits.packing);
  Matrix<double> d_values;
  CHECK(cross_entropy(logits.values, labels, d_values) == loss);
  CHECK(d_values == d.values);
}

TEST_CASE("losses of parts of a batch make that of the whole by their weights") {
  const auto logits = loss_waves(3, 7);
  const std::vector<Index> labels{0, 2, -100, 1, 1, 2, 0};
  const CrossEntropy loss{.class_weights = {0.5, 2, 1.25}};
  Matrix<double> whole;
  const auto all = loss(logits, labels, whole);
  CHECK(all.weight == loss.weight(labels));
  double sum = 0;
  Matrix<double> parts(3, 7);
  for (const auto& [first, count] : {std::pair<Index, Index>{0, 3}, {3, 2}, {5, 2}}) {
    const Matrix<double> some = logits.middleCols(first, count);
    const Labels of = std::span(labels).subspan(std::size_t(first), std::size_t(count));
    Matrix<double> d;
    const auto part = loss(some, of, d);
    sum += part.loss * part.weight;
    parts.middleCols(first, count) = d * (part.weight / all.weight);
  }
  CHECK(sum / all.weight == doctest::Approx(all.loss).epsilon(1e-14));
  CHECK((parts - whole).cwiseAbs().maxCoeff() < 1e-16);
}

TEST_CASE("loss and gradient are the same bits for any number of threads") {
  const int before = threads();
  Matrix<float> logits = loss_waves(33, 501).cast<float>();
  std::vector<std::int32_t> labels(501);
  for (std::size_t n = 0; n < labels.size(); ++n) labels[n] = std::int32_t(n * 7 % 33);
  Matrix<float> d, again;
  set_threads(1);
  const auto one = CrossEntropy{}(logits, labels, d);
  for (const int n : {2, 3}) {
    set_threads(n);
    CHECK(CrossEntropy{}(logits, labels, again).loss == one.loss);
    CHECK(again == d);
  }
  set_threads(before);
}

TEST_CASE("what belongs to other columns does not change a column's gradient but for the mean") {
  const auto logits = loss_waves(4, 8);
  const std::vector<Index> labels{0, 1, 2, 3, 3, 2, 1, 0};
  Matrix<double> all, one;
  cross_entropy(logits, labels, all);
  const Matrix<double> column = logits.col(5);
  cross_entropy(column, std::vector<Index>{2}, one);
  CHECK((all.col(5) * 8 - one.col(0)).cwiseAbs().maxCoeff() < 1e-15);
}
