// What one number of a dropout's mask is of: an element at all steps of a sequence, or a word wherever it stands. Whole
// steps, and what holds for every dropout, are in sequential_test.cpp.
#include <doctest/doctest.h>

#include <unroll/cell/lstm.hpp>
#include <unroll/layer/dense.hpp>
#include <unroll/layer/dropout.hpp>
#include <unroll/layer/embedding.hpp>
#include <unroll/layer/recurrent.hpp>
#include <unroll/layer/sequential.hpp>
#include <unroll/testing/check_gradient.hpp>

#include "../support/sequences.hpp"

using namespace unroll;

namespace {

/// B sequences of up to T words of the first 23, which repeat.
TokenBatch repeating_text(Index B, Index T) {
  std::vector<Index> lengths;
  for (Index b = 0; b < B; ++b) lengths.push_back(b == 2 ? 0 : T - b % 5);
  TokenBatch x{{}, Packing::from_lengths(lengths, T)};
  for (Index n = 0; n < x.packing.total(); ++n) x.ids.push_back(static_cast<std::int32_t>(n * n % 29 % 23));
  return x;
}
struct Words {
  Embedding<double> table{23, 6};
  TokenBatch x;
  CacheFor<Embedding<double>, TokenBatch> cache;
  const PackedSequence<double>* vectors;
  explicit Words(const TokenBatch& of) : x(of) {
    randomize(table, Rng(4));
    vectors = &table.forward({}, x, cache);
  }
};
constexpr Context train{.training = true, .seed = 5, .step = 3};

}  // namespace

TEST_CASE("a locked mask is the same at all steps of a sequence, and another in each sequence") {
  const auto x = random_sequences<double>(50, std::vector<Index>{7, 12, 0, 3, 12}, 12);
  const Dropout<double> layer(0.4, {.locked = true});
  CacheFor<Dropout<double>, PackedSequence<double>> cache;
  const auto y = unpack(layer.forward(train, x, cache)), of = unpack(x);
  double kept = 0, elements = 0;
  Matrix<double> first(50, 5);
  for (const Index b : {0, 1, 3, 4})
    for (Index u = 0; u < 50; ++u) {
      const double m = y(u, b * 12) / of(u, b * 12);
      first(u, b) = m;
      CHECK((m == 0 || m == doctest::Approx(1 / 0.6)));
      kept += m != 0, elements += 1;
      for (Index t = 1; t < (b == 0 ? 7 : b == 3 ? 3 : 12); ++t)
        REQUIRE(y(u, b * 12 + t) == doctest::Approx(m * of(u, b * 12 + t)));
    }
  CHECK(kept / elements == doctest::Approx(0.6).epsilon(0.15));
  CHECK(first.col(0) != first.col(1));
  CHECK(first.col(1) != first.col(4));
  CHECK(layer.describe() == "Dropout 0.4, locked");
}

TEST_CASE("a word is left out wherever it stands in a sequence, and may stay in another") {
  Words words(repeating_text(40, 30));
  const PackedSequence<double>& x = *words.vectors;
  for (const bool scaled : {true, false}) {
    const Dropout<double> layer(0.3, {.whole_words = true, .scaled = scaled});
    CacheFor<Dropout<double>, PackedSequence<double>> cache;
    const auto& y = layer.forward(train, x, cache);
    Matrix<double> scales(40, 23);
    scales.setConstant(-1);
    for (Index n = 0; n < x.values.cols(); ++n) {
      const double m = y.values(0, n) / x.values(0, n);
      REQUIRE((y.values.col(n) - m * x.values.col(n)).cwiseAbs().maxCoeff() < 1e-12);
      double& of_word = scales(x.packing.sequence_of(n), words.x.ids[static_cast<std::size_t>(n)]);
      if (of_word == -1) of_word = m;
      REQUIRE(of_word == doctest::Approx(m));
      REQUIRE((m == 0 || m == doctest::Approx(scaled ? 1 / 0.7 : 1)));
    }
    const auto said = static_cast<double>((scales.array() >= 0).count());
    CHECK(static_cast<double>((scales.array() == 0).count()) / said == doctest::Approx(0.3).epsilon(0.15));
    for (Index v = 0; v < 23; ++v) {
      if ((scales.col(v).array() >= 0).count() < 20) continue;  // 23 words, of which some are rare
      CHECK((scales.col(v).array() == 0).any());
      CHECK((scales.col(v).array() > 0).any());
    }
    CHECK(layer.describe() == concat_text("Dropout 0.3 of whole words", scaled ? "" : ", not scaled"));
  }
}

TEST_CASE("behind a dropout columns of a word are not equal, and a recurrent layer multiplies each" *
          doctest::test_suite("bits")) {
  Words words(repeating_text(40, 30));  // so many that distinct words would be multiplied once
  for (const DropoutOptions& options : {DropoutOptions{.locked = true}, DropoutOptions{.whole_words = true}}) {
    const Dropout<double> layer(0.3, options);
    CacheFor<Dropout<double>, PackedSequence<double>> cache;
    const auto& y = layer.forward(train, *words.vectors, cache);
    CHECK(y.words.ids.empty());
    Recurrent lstm{Lstm<double>{6, 5}};
    randomize(lstm, Rng(2));
    CacheFor<decltype(lstm), PackedSequence<double>> of_output, of_copy;
    const PackedSequence<double> copy{y.values, y.packing};
    CHECK(lstm.forward({}, y, of_output).values == lstm.forward({}, copy, of_copy).values);
    // In inference the words pass.
    CHECK(layer.forward({.gradients = false}, *words.vectors, cache).words.ids == words.x.ids);
  }
}

TEST_CASE("backward is the gradient of a dropout of any kind") {
  for (const DropoutOptions& options :
       {DropoutOptions{.locked = true}, DropoutOptions{.whole_words = true}, DropoutOptions{.whole_steps = true}}) {
    Sequential model{Embedding<double>{23, 4}, Dropout<double>{0.4, options}, Recurrent{Lstm<double>{4, 3}},
                     Dropout<double>{0.3, {.locked = true}}, Dense<double>{3, 2}};
    randomize(model, Rng(8));
    const auto report = check_gradient(model, repeating_text(4, 9), {.context = train});
    INFO(model.describe() << ": " << report.str());
    CHECK(report.passed());
  }
}

TEST_CASE("a mask does not know the company of a sequence, nor the number of threads" * doctest::test_suite("bits")) {
  const TokenBatch all = repeating_text(40, 30);
  for (const DropoutOptions& options : {DropoutOptions{.locked = true}, DropoutOptions{.whole_words = true}}) {
    Words words(all);
    const Dropout<double> layer(0.5, options);
    CacheFor<Dropout<double>, PackedSequence<double>> cache;
    set_threads(1);
    const auto y = unpack(layer.forward(train, *words.vectors, cache));
    set_threads(3);
    CHECK(unpack(layer.forward(train, *words.vectors, cache)) == y);
    set_threads(0);
    // Sequence 7 alone.
    TokenBatch one{{}, Packing::from_lengths(std::vector<Index>{28}, 30)};
    for (Index n = 0; n < all.packing.total(); ++n)
      if (all.packing.sequence_of(n) == 7) one.ids.push_back(all.ids[static_cast<std::size_t>(n)]);
    Words alone(one);
    CHECK(unpack(layer.forward({.training = true, .seed = 5, .step = 3, .first_row = 7}, *alone.vectors, cache)) ==
          y.middleCols(7 * 30, 30));
  }
}
