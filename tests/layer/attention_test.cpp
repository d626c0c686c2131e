// Attention: that what is computed in blocks is the formula, its gradients, its weights, and what is refused.
#include <doctest/doctest.h>

#include <unroll/core/finite.hpp>
#include <unroll/core/parallel.hpp>
#include <unroll/layer/additive_attention.hpp>
#include <unroll/layer/attention.hpp>
#include <unroll/layer/multi_head_attention.hpp>
#include <unroll/testing/check_gradient.hpp>

#include "../support/message_of.hpp"
#include "../support/not_finite.hpp"
#include "../support/sequences.hpp"

namespace {

using namespace unroll;

template <class T> struct Attends : Composite<Attends<T>, T> {
  AttentionOptions how;
  UNROLL_PARTS(how)
  auto operator()(Wiring&, Node<PackedSequence<T>> q, Node<PackedSequence<T>> k, Node<PackedSequence<T>> v) const {
    return dot_attention(q, k, v, how);
  }
};
template <class T> struct AttendsToKeys : Composite<AttendsToKeys<T>, T> {
  AttentionOptions how;
  UNROLL_PARTS(how)
  auto operator()(Wiring&, Node<PackedSequence<T>> q, Node<PackedSequence<T>> k) const {
    return scaled_dot_attention(q, k, how);
  }
};
template <class T> struct AttendsToItself : Composite<AttendsToItself<T>, T> {
  AttentionOptions how;
  UNROLL_PARTS(how)
  auto operator()(Wiring&, Node<PackedSequence<T>> x) const { return dot_attention(x, x, x, how); }
};
template <class T> struct Asks : Composite<Asks<T>, T> {
  AdditiveAttention<T> attend{4, 3, 21};
  UNROLL_PARTS(attend)
  auto operator()(Wiring& run, Node<PackedSequence<T>> q, Node<PackedSequence<T>> m) const { return run(attend, q, m); }
};
template <class T> struct AttendsTwice : Composite<AttendsTwice<T>, T> {
  AttentionOptions how;
  UNROLL_PARTS(how)
  auto operator()(Wiring&, Node<PackedSequence<T>> q, Node<PackedSequence<T>> k) const {
    return concat_rows(dot_attention(q, k, how), dot_attention(q, k, how));
  }
};
template <class T> using Two = Inputs<PackedSequence<T>, PackedSequence<T>>;
template <class T> using Three = Inputs<PackedSequence<T>, PackedSequence<T>, PackedSequence<T>>;

Index length_of(const PackedSequence<double>& all, Index row) {
  Index length = 0;
  for (Index n = 0; n < all.packing.total(); ++n) length += all.packing.sequence_of(n) == row;
  return length;
}
PackedSequence<double> of_lengths(Index features, const std::vector<Index>& lengths, std::uint64_t seed) {
  return random_sequences<double>(features, lengths, *std::max_element(lengths.begin(), lengths.end()), seed);
}
const std::vector<Index>& query_lengths() {
  static const std::vector<Index> lengths{3, 1, 0, 6, 4, 1, 2};
  return lengths;
}
const std::vector<Index>& key_lengths() {
  static const std::vector<Index> lengths{5, 4, 3, 1, 0, 1, 9};
  return lengths;
}
const std::vector<AttentionOptions>& all_options() {
  static const std::vector<AttentionOptions> all{{},
                                                 {.heads = 2, .scale = 0.7},
                                                 {.heads = 2, .window = 1},
                                                 {.window = 0},
                                                 {.causal = true},
                                                 {.heads = 2, .window = 2, .dropout = 0.4},
                                                 {.heads = 2, .window = 2, .causal = true, .scale = 1.5}};
  return all;
}

struct Threads {
  explicit Threads(int n) { set_threads(n); }
  Threads(const Threads&) = delete;
  ~Threads() { set_threads(0); }
};
template <class M, class In> void check_attention_gradient(M model, In x) {
  randomize(model, Rng(3));
  for (const bool training : {false, true}) {
    const auto report = check_gradient(model, x, {.context = {.training = training, .seed = 4, .step = 2}});
    INFO(model.describe() << ", training " << training << ": " << report.str());
    CHECK(report.passed());
  }
}
template <class M, class In>
Matrix<typename M::Scalar> output_of_attention(const M& model, const In& x, const Context& context = {}) {
  CacheFor<M, In> cache;
  return model.forward(context, x, cache).values;
}

/// The formula, query by query and head by head, without anything in common with the library's.
Matrix<double> by_the_formula(const PackedSequence<double>& q, const PackedSequence<double>& k,
                              const PackedSequence<double>& v, const AttentionOptions& how) {
  const Index A = q.values.rows() / how.heads, C = v.values.rows() / how.heads;
  Matrix<double> y = Matrix<double>::Zero(v.values.rows(), q.packing.total());
  for (Index n = 0; n < q.packing.total(); ++n)
    for (Index h = 0; h < how.heads; ++h) {
      double sum = 0;
      for (const bool adds : {false, true})
        for (Index m = 0; m < k.packing.total(); ++m) {
          const Index t = q.packing.time_of(n), s = k.packing.time_of(m);
          if (k.packing.sequence_of(m) != q.packing.sequence_of(n)) continue;
          if ((how.window >= 0 && std::abs(t - s) > how.window) || (how.causal && s > t)) continue;
          const double w =
              std::exp(how.scale * q.values.col(n).segment(h * A, A).dot(k.values.col(m).segment(h * A, A)));
          if (adds)
            y.col(n).segment(h * C, C) += w / sum * v.values.col(m).segment(h * C, C);
          else
            sum += w;
        }
    }
  return y;
}

}  // namespace

TEST_CASE("attention is its formula: heads, scales, windows, sequences of any length on either side") {
  const Threads threads(1);  // which has the heads of a sequence together
  for (const AttentionOptions& how : all_options()) {
    CAPTURE(how.describe());
    const auto q = of_lengths(4, query_lengths(), 1), k = of_lengths(4, key_lengths(), 2),
               v = of_lengths(6, key_lengths(), 3);
    const auto expected = by_the_formula(q, k, v, how);
    CHECK((output_of_attention(Attends<double>{{}, how}, Three<double>{{q, k, v}}) - expected).cwiseAbs().maxCoeff() <
          1e-13);
    AttentionOptions scaled = how;
    scaled.scale /= std::sqrt(4. / static_cast<double>(how.heads));
    CHECK((output_of_attention(AttendsToKeys<double>{{}, how}, Two<double>{{q, k}}) - by_the_formula(q, k, k, scaled))
              .cwiseAbs()
              .maxCoeff() < 1e-13);
  }
  // more queries than a block of them, and more keys than a block of a sum
  const auto q = of_lengths(8, {150, 64, 1, 200}, 1), k = of_lengths(8, {70, 300, 65, 0}, 2);
  for (const AttentionOptions& how :
       {AttentionOptions{}, {.window = 20}, {.causal = true}, {.window = 70, .causal = true}})
    CHECK((output_of_attention(Attends<double>{{}, how}, Three<double>{{q, k, k}}) - by_the_formula(q, k, k, how))
              .cwiseAbs()
              .maxCoeff() < 1e-13);
}

TEST_CASE("scores of any size give weights, and a gradient that is a number") {
  const auto q = random_sequences<float>(4, query_lengths(), 6, 1), k = random_sequences<float>(4, key_lengths(), 9, 2);
  const AttendsToKeys<float> model{{}, {.scale = 1e4}};
  CacheFor<AttendsToKeys<float>, Two<float>> cache;
  const Two<float> x{{q, k}};
  const PackedSequence<float> y = model.forward({}, x, cache);
  CHECK(y.values.cwiseAbs().maxCoeff() <= k.values.cwiseAbs().maxCoeff() * 1.001f);
  auto d = zeros_like(model);
  const auto [dq, dk] = model.backward(x, y, cache, d);
  CHECK(detail::find_not_finite(dq.values.data(), dq.values.size()) == -1);
  CHECK(detail::find_not_finite(dk.values.data(), dk.values.size()) == -1);
}

TEST_CASE("the gradient of attention: queries, keys and values, of one sequence or of several") {
  const Threads threads(1);
  for (const AttentionOptions& how : all_options()) {
    CAPTURE(how.describe());
    const auto q = of_lengths(4, query_lengths(), 1), k = of_lengths(4, key_lengths(), 2),
               v = of_lengths(6, key_lengths(), 3);
    check_attention_gradient(Attends<double>{{}, how}, Three<double>{{q, k, v}});
    check_attention_gradient(AttendsToKeys<double>{{}, how}, Two<double>{{q, k}});
    check_attention_gradient(AttendsToItself<double>{{}, how}, k);
  }
  const auto q = of_lengths(2, {66, 3}, 1), k = of_lengths(2, {67, 70}, 2);
  check_attention_gradient(AttendsToKeys<double>{}, Two<double>{{q, k}});
  check_attention_gradient(AttendsToKeys<double>{{}, {.window = 2}}, Two<double>{{q, k}});
  check_attention_gradient(AttendsToKeys<double>{{}, {.dropout = 0.3}}, Two<double>{{q, k}});
}

TEST_CASE("the gradient of MultiHeadAttention and GeneralAttention") {
  const auto q = of_lengths(4, query_lengths(), 1), k = of_lengths(3, key_lengths(), 2),
             v = of_lengths(5, key_lengths(), 3);
  MultiHeadAttention<double> model(4, 3, 6, 2, {.values = 5});
  model.key.bias.trainable = false;  // adds as much to all scores of a query: its gradient is rounding
  check_attention_gradient(model, Three<double>{{q, k, v}});
  check_attention_gradient(MultiHeadAttention<double>(4, 3, 6, 3, {.bias = false, .outputs = 2, .window = 1}),
                           Two<double>{{q, k}});
  check_attention_gradient(MultiHeadAttention<double>(4, 3, 6, 3, {.bias = false, .dropout = 0.5}),
                           Two<double>{{q, k}});
  check_attention_gradient(GeneralAttention<double>(4, 3), Two<double>{{q, k}});
}

TEST_CASE("the gradient of AdditiveAttention over a whole batch of queries, frozen parts left out") {
  const auto q = of_lengths(4, query_lengths(), 1), m = of_lengths(3, key_lengths(), 2);
  Asks<double> model;
  check_attention_gradient(model, Two<double>{{q, m}});
  freeze(model, "attend.weight_*");
  check_attention_gradient(model, Two<double>{{q, m}});
}

TEST_CASE_TEMPLATE("attention has the same bits with any number of threads" * doctest::test_suite("bits"), T, float,
                   double) {
  const auto check_bits = [](auto model, const Two<T>& x) {
    randomize(model, Rng(2));
    const auto run = [&](int n) {
      const Threads threads(n);
      CacheFor<decltype(model), Two<T>> cache;
      auto d = zeros_like(model);
      const PackedSequence<T> y = model.forward({.training = true, .seed = 3}, x, cache);
      const auto [dq, dk] = model.backward(x, y, cache, d);
      std::vector<Matrix<T>> all{y.values, dq.values, dk.values};
      visit([&](const Path&, const auto& p) { all.push_back(p); }, d);
      return all;
    };
    const auto one = run(1);
    for (const int n : {2, 3, 7}) CHECK(run(n) == one);
  };
  std::vector<Index> of_q, of_k;
  for (Index b = 0; b < 24; ++b) of_q.push_back(5 + 31 * b % 90), of_k.push_back(7 * b % 80);
  check_bits(AttendsToKeys<T>{{}, {.heads = 2}},
             Two<T>{{random_sequences<T>(32, of_q, 95), random_sequences<T>(32, of_k, 80)}});
  of_q.resize(3), of_k.resize(3);  // too few sequences for the threads: they take heads
  for (const double dropout : {0., 0.2})
    check_bits(AttendsToKeys<T>{{}, {.heads = 4, .dropout = dropout}},
               Two<T>{{random_sequences<T>(64, of_q, 95), random_sequences<T>(64, of_k, 80)}});
  check_bits(Asks<T>{}, Two<T>{{random_sequences<T>(4, of_q, 95), random_sequences<T>(3, of_k, 80)}});
}

TEST_CASE("the weights of attention can be looked at, of a head or on average") {
  const auto q = of_lengths(4, query_lengths(), 1), k = of_lengths(4, key_lengths(), 2);
  for (const AttentionOptions& how : all_options()) {
    CAPTURE(how.describe());
    Matrix<double> mean = Matrix<double>::Zero(9, q.packing.total());
    const auto y = by_the_formula(q, k, k, how);
    const Index A = 4 / how.heads;
    for (Index h = 0; h < how.heads; ++h) {
      const auto w = dot_attention_weights(q, k, how, h);
      REQUIRE(w.rows() == 9);
      for (Index n = 0; n < q.packing.total(); ++n) {
        Eigen::VectorXd found = Eigen::VectorXd::Zero(A);
        for (Index m = 0; m < k.packing.total(); ++m)
          if (k.packing.sequence_of(m) == q.packing.sequence_of(n))
            found += w(k.packing.time_of(m), n) * k.values.col(m).segment(h * A, A);
        CHECK((found - y.col(n).segment(h * A, A)).norm() < 1e-13);
        CHECK((std::abs(w.col(n).sum() - 1) < 1e-13 || w.col(n).sum() == 0));
      }
      mean += w / static_cast<double>(how.heads);
    }
    CHECK((dot_attention_weights(q, k, how) - mean).cwiseAbs().maxCoeff() < 1e-14);
  }
  MultiHeadAttention<double> attend(4, 4, 6, 2);
  randomize(attend, Rng(1));
  Dense<double> project_q = attend.query, project_k = attend.key;
  CacheFor<Dense<double>, PackedSequence<double>> of_q, of_k;
  CHECK(attend.weights(q, k, 1) ==
        scaled_dot_attention_weights(project_q.forward({}, q, of_q), project_k.forward({}, k, of_k), {.heads = 2}, 1));
}

TEST_CASE("the weights of AdditiveAttention are its own, and 1 together") {
  const auto q = of_lengths(4, query_lengths(), 1), m = of_lengths(3, key_lengths(), 2);
  Asks<double> model;
  randomize(model, Rng(4));
  const auto y = output_of_attention(model, Two<double>{{q, m}});
  const auto w = model.attend.weights(q, m);
  Matrix<double> expected = Matrix<double>::Zero(3, q.packing.total());
  for (Index n = 0; n < q.packing.total(); ++n)
    for (Index k = 0; k < m.packing.total(); ++k)
      if (m.packing.sequence_of(k) == q.packing.sequence_of(n))
        expected.col(n) += w(m.packing.time_of(k), n) * m.values.col(k);
  CHECK((y - expected).cwiseAbs().maxCoeff() < 1e-14);
  for (Index n = 0; n < q.packing.total(); ++n) CHECK((std::abs(w.col(n).sum() - 1) < 1e-14 || w.col(n).sum() == 0));
}

TEST_CASE("a dropout of attention leaves out weights after the softmax and scales the others, each head its own") {
  const Threads threads(1);
  // the values of a head are 1 at the row of their time, so that what comes out are the weights
  const auto q = of_lengths(4, query_lengths(), 1), k = of_lengths(4, key_lengths(), 2);
  PackedSequence<double> v = of_lengths(18, key_lengths(), 3);
  v.values.setZero();
  for (Index m = 0; m < v.packing.total(); ++m)
    for (const Index first : {0, 9}) v.values(first + v.packing.time_of(m), m) = 1;
  double weights = 0, left = 0;
  for (const AttentionOptions& of :
       {AttentionOptions{.heads = 2, .dropout = 0.3}, {.heads = 2, .window = 3, .causal = true, .dropout = 0.3}})
    for (std::uint64_t step = 0; step < 30; ++step) {
      const Context context{.training = true, .seed = 5, .step = step};
      const auto y = output_of_attention(Attends<double>{{}, of}, Three<double>{{q, k, v}}, context);
      Matrix<double> scales[2];
      for (Index h = 0; h < 2; ++h) {
        const auto w = dot_attention_weights(q, k, of, h);
        scales[h] = (w.array() > 0).select(y.middleRows(9 * h, 9).cwiseQuotient(w), 0);
        for (Index i = 0; i < w.size(); ++i) {
          if (w.data()[i] == 0) continue;
          const double m = scales[h].data()[i];
          REQUIRE((m == 0 || m == doctest::Approx(1 / 0.7)));
          weights += 1, left += m == 0;
        }
      }
      CHECK((scales[0] - scales[1]).cwiseAbs().maxCoeff() > 1);
      // any values get the same weights, and inference all of them
      const auto other = of_lengths(6, key_lengths(), 4);
      const auto found = output_of_attention(Attends<double>{{}, of}, Three<double>{{q, k, other}}, context);
      Matrix<double> expected = Matrix<double>::Zero(6, q.packing.total());
      for (Index n = 0; n < q.packing.total(); ++n)
        for (Index m = 0; m < k.packing.total(); ++m)
          if (k.packing.sequence_of(m) == q.packing.sequence_of(n))
            for (Index h = 0; h < 2; ++h)
              expected.col(n).segment(3 * h, 3) +=
                  y(9 * h + k.packing.time_of(m), n) * other.values.col(m).segment(3 * h, 3);
      CHECK((found - expected).cwiseAbs().maxCoeff() < 1e-13);
    }
  CHECK(weights > 2000);
  CHECK(left / weights == doctest::Approx(0.3).epsilon(0.1));
}

TEST_CASE("the mean over a dropout's draws is attention without one") {
  const auto q = of_lengths(4, query_lengths(), 1), k = of_lengths(4, key_lengths(), 2);
  const auto whole = output_of_attention(AttendsToKeys<double>{{}, {.heads = 2}}, Two<double>{{q, k}});
  const AttendsToKeys<double> model{{}, {.heads = 2, .dropout = 0.25}};
  Matrix<double> mean = Matrix<double>::Zero(whole.rows(), whole.cols());
  constexpr int draws = 4000;
  for (int step = 0; step < draws; ++step)
    mean +=
        output_of_attention(model, Two<double>{{q, k}}, {.training = true, .step = static_cast<std::uint64_t>(step)}) /
        draws;
  // a weight's scale has a deviation of 0.58 at most
  CHECK((mean - whole).cwiseAbs().maxCoeff() < 5 * 0.58 / std::sqrt(double(draws)) * k.values.cwiseAbs().maxCoeff());
  CHECK((mean - whole).cwiseAbs().maxCoeff() > 1e-6);
  CHECK(output_of_attention(model, Two<double>{{q, k}}) == whole);  // not in training
}

TEST_CASE("a dropout of attention is drawn anew in every call and step, and does not know a sequence's company" *
          doctest::test_suite("bits")) {
  const auto q = of_lengths(4, query_lengths(), 1), k = of_lengths(4, key_lengths(), 2);
  const AttentionOptions how{.dropout = 0.5};
  const Context context{.training = true, .seed = 1, .step = 7};
  const auto both = output_of_attention(AttendsTwice<double>{{}, how}, Two<double>{{q, k}}, context);
  CHECK(both.topRows(4) != both.bottomRows(4));
  const AttendsToKeys<double> model{{}, how};
  const auto y = output_of_attention(model, Two<double>{{q, k}}, context);
  CHECK(output_of_attention(model, Two<double>{{q, k}}, context) == y);
  CHECK(output_of_attention(model, Two<double>{{q, k}}, {.training = true, .seed = 1, .step = 8}) != y);
  for (const Index b : {0, 3, 5}) {
    const auto alone = [&](const PackedSequence<double>& all) {
      PackedSequence<double> one{{}, Packing::from_lengths(std::vector<Index>{length_of(all, b)}, 9)};
      one.values.resize(4, one.packing.total());
      for (Index n = 0; n < all.packing.total(); ++n)
        if (all.packing.sequence_of(n) == b) one.values.col(all.packing.time_of(n)) = all.values.col(n);
      return one;
    };
    Context of_one = context;
    of_one.first_row = b;
    const auto found = output_of_attention(model, Two<double>{{alone(q), alone(k)}}, of_one);
    for (Index n = 0; n < q.packing.total(); ++n)
      if (q.packing.sequence_of(n) == b) CHECK(found.col(q.packing.time_of(n)) == y.col(n));
  }
}

TEST_CASE("attention refuses what does not belong together") {
  const auto q = of_lengths(4, {2, 3}, 1), k = of_lengths(4, {1, 3}, 2), wide = of_lengths(6, {1, 3}, 2),
             other = of_lengths(4, {3, 1}, 2), third = of_lengths(4, {1, 3, 1}, 2);
  const auto refusal = [](const auto& queries, const auto& keys, const auto& values, const AttentionOptions& how) {
    return message_of([&] { output_of_attention(Attends<double>{{}, how}, Three<double>{{queries, keys, values}}); });
  };
  CHECK(refusal(q, third, third, {}) == "dot_attention: queries of 2 sequences, keys of 3");
  CHECK(refusal(q, k, other, {}) == "dot_attention: keys and values are of different sequences");
  CHECK(refusal(q, wide, k, {}) == "dot_attention: queries have 4 features, keys 6");
  CHECK(refusal(q, k, wide, {.heads = 4}) ==
        "dot_attention: 4 heads, expected a divisor of the 4 features of the keys and the 6 of the values");
  CHECK(refusal(q, k, k, {.heads = 0}) ==
        "dot_attention: 0 heads, expected a divisor of the 4 features of the keys and the 4 of the values");
  CHECK(refusal(q, k, k, {.scale = not_finite::infinity<double>()}) ==
        "dot_attention: scale inf, expected a finite number");
  CHECK(refusal(q, k, k, {.dropout = 1}) == "dot_attention: dropout is 1, expected 0 or more and less than 1");
  CHECK(message_of([&] { dot_attention_weights(q, k, {.heads = 2}, 2); }) == "dot_attention: head 2, expected 0 to 1");
  CHECK(message_of([&] { MultiHeadAttention(4, 4, 6, 4); }) ==
        "MultiHeadAttention: 4 heads, expected a divisor of the 6 units");
  CHECK(message_of([&] { output_of_attention(MultiHeadAttention<double>(4, 4, 6, 2), Two<double>{{q, wide}}); }) ==
        "layer key: Dense: input has 6 features, expected 4");
  CHECK(message_of([&] { output_of_attention(Asks<double>{}, Two<double>{{q, k}}); }) ==
        "layer attend: AdditiveAttention: a query of 4 rows and a memory of 4, expected 4 and 3");
  CHECK(message_of([&] { output_of_attention(Asks<double>{}, Two<double>{{q, of_lengths(3, {1, 2, 3}, 1)}}); }) ==
        "layer attend: AdditiveAttention: queries of 2 sequences, a memory of 3");
}
