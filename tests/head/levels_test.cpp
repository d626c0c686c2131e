// The kernels of the heads at every level of instructions.
#include "../kernel/levels.hpp"

#include <doctest/doctest.h>

#include <unroll/head/crf.hpp>
#include <unroll/head/ctc.hpp>
#include <unroll/head/softmax_classifier.hpp>

#include "../support/sequences.hpp"

namespace {
using namespace unroll;

/// What a head finds: loss, gradients of z and of the parameters, decisions.
template <class H, class T> struct Findings {
  double loss = 0;
  Index correct = 0;
  std::vector<T> numbers;
  std::remove_cvref_t<decltype(std::declval<H>().decode(std::declval<PackedSequence<T>>(),
                                                        std::declval<typename H::Scratch&>()))>
      decided;
};
template <class H, class Targets, class T = typename H::Scalar>
Findings<H, T> findings_of(const H& head, const PackedSequence<T>& z, const Targets& targets) {
  typename H::Scratch scratch;
  H gradient = zeros_like(head);
  PackedSequence<T> dz;
  const HeadResult result = head.loss(z, targets, dz, gradient, scratch);
  Findings<H, T> all{result.loss, result.correct, {}, head.decode(z, scratch)};
  all.numbers.assign(dz.values.data(), dz.values.data() + dz.values.size());
  visit([&](const Path&, const auto& d) { all.numbers.insert(all.numbers.end(), d.data(), d.data() + d.size()); },
        gradient);
  return all;
}
/// The levels agree: AVX2 and AVX-512 to the bit, all to rounding.
template <class H, class T, class Targets>
void check_levels(H head, const PackedSequence<T>& z, const Targets& targets, double tolerance) {
  initialize(head, Rng(1));
  std::vector<std::pair<SimdLevel, Findings<H, T>>> all;
  for_each_level([&](SimdLevel level) { all.emplace_back(level, findings_of(head, z, targets)); });
  for (const auto& [level, of] : all) {
    CAPTURE(name(level));
    const auto& [least, first] = all.front();
    CHECK(of.loss == doctest::Approx(first.loss).epsilon(tolerance));
    CHECK(of.decided == first.decided);
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
template <class H> void check_levels(H head, double tolerance) {
  using T = typename H::Scalar;
  const PackedSequence<T> z = random_sequences<T>(head.inputs(), {40, 1, 0, 17, 300}, 300);
  std::vector<Index> labels(std::size_t(z.packing.total()));
  for (std::size_t n = 0; n < labels.size(); ++n) labels[n] = Index(n * 5 % 7);
  check_levels(std::move(head), z, labels, tolerance);
}
/// Of 19 classes, with targets of every length from nothing to all steps.
template <class T> void check_ctc_levels(double tolerance) {
  const PackedSequence<T> z = random_sequences<T>(19, {40, 1, 0, 17, 300}, 300);
  std::vector<std::vector<Index>> targets(5);
  for (Index k = 0; k < 40; ++k) targets[0].push_back(1 + k % 17);
  for (Index k = 0; k < 9; ++k) targets[3].push_back(3);
  for (Index k = 0; k < 111; ++k) targets[4].push_back(1 + k * k % 18);
  check_levels(Ctc<T>(19), z, LabelSequences(targets), tolerance);
}
}  // namespace

TEST_CASE("the heads find the same at every level, with equal bits at AVX2 and AVX-512" * doctest::test_suite("bits")) {
  check_levels(Crf<float>(19, {.pairs = {{7, 8}, {18, 0}}}), 1e-5);
  check_levels(Crf<double>(7), 1e-13);
  check_levels(SoftmaxClassifier<float>(12, 777, {.label_smoothing = 0.1}), 1e-5);
  check_levels(SoftmaxClassifier<double>(5, 531), 1e-13);
  check_ctc_levels<float>(1e-5);
  check_ctc_levels<double>(1e-12);
}
