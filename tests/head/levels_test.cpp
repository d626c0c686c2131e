// The kernels of the heads at every level of instructions.
#include "../kernel/levels.hpp"

#include <doctest/doctest.h>

#include <unroll/head/crf.hpp>
#include <unroll/head/softmax_classifier.hpp>

#include "../support/sequences.hpp"

namespace {
using namespace unroll;

/// What a head finds: loss, gradients of z and of the parameters, decisions.
template <class T> struct Findings {
  double loss = 0;
  Index correct = 0;
  std::vector<T> numbers;
  std::vector<Index> labels;
};
template <class H, class T = typename H::Scalar>
Findings<T> findings_of(const H& head, const PackedSequence<T>& z, const std::vector<Index>& labels) {
  typename H::Scratch scratch;
  H gradient = zeros_like(head);
  PackedSequence<T> dz;
  const HeadResult result = head.loss(z, labels, dz, gradient, scratch);
  Findings<T> all{result.loss, result.correct, {}, head.decode(z, scratch)};
  all.numbers.assign(dz.values.data(), dz.values.data() + dz.values.size());
  visit([&](const Path&, const auto& d) { all.numbers.insert(all.numbers.end(), d.data(), d.data() + d.size()); },
        gradient);
  return all;
}
/// The levels agree: AVX2 and AVX-512 to the bit, all to rounding.
template <class H> void check_levels(H head, double tolerance) {
  using T = typename H::Scalar;
  initialize(head, Rng(1));
  const PackedSequence<T> z = random_sequences<T>(head.inputs(), {40, 1, 0, 17, 300}, 300);
  std::vector<Index> labels(std::size_t(z.packing.total()));
  for (std::size_t n = 0; n < labels.size(); ++n) labels[n] = Index(n * 5 % 7);
  std::vector<std::pair<SimdLevel, Findings<T>>> all;
  for_each_level([&](SimdLevel level) { all.emplace_back(level, findings_of(head, z, labels)); });
  for (const auto& [level, of] : all) {
    CAPTURE(name(level));
    const auto& [least, first] = all.front();
    CHECK(of.loss == doctest::Approx(first.loss).epsilon(tolerance));
    CHECK(of.labels == first.labels);
    double worst = 0;
    for (std::size_t k = 0; k < of.numbers.size(); ++k)
      worst = std::max(worst, std::abs(double(of.numbers[k]) - double(first.numbers[k])));
    CHECK(worst < tolerance);
    if (level == SimdLevel::avx512) {
      const auto& [before, avx2] = all[all.size() - 2];
      if (before == SimdLevel::avx2) CHECK((of.numbers == avx2.numbers && of.loss == avx2.loss));
    }
  }
}
}  // namespace

TEST_CASE("the heads find the same at every level, with equal bits at AVX2 and AVX-512" * doctest::test_suite("bits")) {
  check_levels(Crf<float>(19, {.pairs = {{7, 8}, {18, 0}}}), 1e-5);
  check_levels(Crf<double>(7), 1e-13);
  check_levels(SoftmaxClassifier<float>(12, 777, {.label_smoothing = 0.1}), 1e-5);
  check_levels(SoftmaxClassifier<double>(5, 531), 1e-13);
}
