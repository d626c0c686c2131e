// Core, called wrongly.
#include <limits>
#include <span>
#include <vector>

#include <doctest/doctest.h>

#include <unroll/core/context.hpp>
#include <unroll/core/initialize.hpp>
#include <unroll/core/pack.hpp>
#include <unroll/core/parameters.hpp>

namespace misuse_core {

using namespace unroll;

constexpr Index largest = std::numeric_limits<Index>::max();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

#define CHECK_REFUSED(expression, text) \
  CHECK_THROWS_WITH_AS(static_cast<void>(expression), doctest::Contains(text), std::invalid_argument)

/// Lengths 3, 0, 2.
Packing sound() {
  const std::vector<Index> lengths{3, 0, 2};
  return Packing::from_lengths(lengths, 4);
}

/// A model of two parameters.
template <class T = double> struct Two {
  using Scalar = T;
  Parameter<T> first{2, 3}, second{1, 1};
  template <class F, class... Self> static void visit(F&& f, const Path& at, Self&... self) {
    f(at.leaf("first", Kind::weight), self.first...);
    f(at.leaf("second", Kind::weight), self.second...);
  }
};

TEST_CASE("a matrix refuses sizes that are none, and keeps what it has") {
  Matrix<double> m = Matrix<double>::Constant(2, 3, 7);
  CHECK_REFUSED(m.resize(-1, 3), "Matrix: -1 x 3, expected sizes of at least 0");
  CHECK_REFUSED(m.resize(3, -1), "Matrix: 3 x -1");
  CHECK_REFUSED(m.resize(-1, -1), "Matrix: -1 x -1");
  CHECK_REFUSED(m.resize(largest, 2), "more than memory can hold");
  CHECK_REFUSED(m.resize(largest / 8 + 1, 1), "more than memory can hold");
  CHECK_REFUSED((Matrix<float>(Index{1} << 40, Index{1} << 40)), "more than memory can hold");
  CHECK(m == Matrix<double>::Constant(2, 3, 7));
}

TEST_CASE("padded arrays of impossible sizes, or at null, are refused") {
  const std::vector<float> data(24);
  CHECK_REFUSED(batch_first(data.data(), -1, 3, 4), "-1 sequences, 3 steps and 4 features");
  CHECK_REFUSED(batch_first(data.data(), 2, -3, -4), "-3 steps");
  CHECK_REFUSED(time_first(data.data(), 3, 2, -1), "-1 features");
  CHECK_REFUSED(batch_first(data.data(), largest / 2, 3, 4), "memory can hold");
  CHECK_REFUSED(batch_first(data.data(), 1, largest / 2, 1), "memory can hold");
  CHECK_REFUSED(batch_first(static_cast<const float*>(nullptr), 2, 3, 4), "null pointer");
  CHECK(batch_first(static_cast<const float*>(nullptr), 0, 3, 4).batch == 0);
  const auto padded = batch_first(data.data(), 2, 3, 4);
  const std::vector<Index> three{1, 2, 3}, long_one{1, 4}, negative{1, -1};
  CHECK_REFUSED(pack(padded, std::span(three)), "3 lengths for a batch of 2");
  CHECK_REFUSED(pack(padded, std::span(long_one)), "sequence 1 has length 4, expected 0 to 3");
  CHECK_REFUSED(pack(padded, std::span(negative)), "sequence 1 has length -1");
  CHECK_REFUSED(pack(padded, sound()), "the packing is of 3 x 4 steps, the array of 2 x 3");
  Padded<float> changed = padded;
  changed.steps = 4, changed.batch = 3;
  CHECK_REFUSED(pack(changed, sound()), "the array has 6 columns, expected 3 x 4");
}

TEST_CASE("packings of impossible sizes are refused, and large ones without steps cost nothing") {
  Packing packing = sound();
  const auto all = [](Index, Index) { return true; };
  CHECK_REFUSED(packing.assign(-1, 3, all), "-1 sequences of 3 steps");
  CHECK_REFUSED(packing.assign(2, -3, all), "2 sequences of -3 steps");
  CHECK_REFUSED(packing.assign(largest, 2, all), "whose product is one");
  CHECK(packing == sound());
  const std::vector<std::uint8_t> mask(6, 1);
  CHECK_REFUSED(Packing::from_mask(mask, 2, 4), "the mask has 6 elements, expected 2 x 4");
  CHECK_REFUSED(Packing::from_mask(mask, -2, -3), "expected -2 x -3");
  CHECK_REFUSED(Packing::from_mask(mask, Index{1} << 62, 4), "the mask has 6 elements");
  const std::vector<Index> lengths{2};
  const Packing wide = Packing::from_lengths(lengths, Index{1} << 50);  // soon
  wide.check("test");
  CHECK(wide.total() == 2);
}

TEST_CASE("a packing put together by hand is refused, whatever is wrong with it") {
  const std::vector<std::pair<const char*, void (*)(Packing&)>> changes{
      {"arrays have sizes", [](Packing& p) { p.offsets.clear(); }},
      {"arrays have sizes", [](Packing& p) { p.lengths.pop_back(); }},
      {"arrays have sizes", [](Packing& p) { p.batch_sizes.push_back(0); }},
      {"padded_steps", [](Packing& p) { p.padded_steps = -1; }},
      {"padded_steps", [](Packing& p) { p.padded_steps = largest; }},
      {"lengths", [](Packing& p) { p.padded_steps = 2; }},
      {"lengths", [](Packing& p) { p.lengths[2] = -1; }},
      {"lengths", [](Packing& p) { std::swap(p.lengths[0], p.lengths[1]); }},
      {"batch_sizes", [](Packing& p) { p.lengths[2] = 1; }},
      {"batch_sizes", [](Packing& p) { p.batch_sizes[1] = 3; }},
      {"batch_sizes", [](Packing& p) { p.offsets[2] = 3; }},
      {"batch_sizes", [](Packing& p) { p.offsets[3] = largest; }},
      {"sorted_indices", [](Packing& p) { p.sorted_indices[0] = 3; }},
      {"sorted_indices", [](Packing& p) { p.sorted_indices[0] = -1; }},
      {"sorted_indices", [](Packing& p) { p.sorted_indices[0] = p.sorted_indices[1]; }},
      {"source has not", [](Packing& p) { p.source.pop_back(); }},
      {"own steps", [](Packing& p) { p.source[0] = -largest - 1; }},
      {"own steps", [](Packing& p) { p.source[4] = largest; }},
      {"own steps", [](Packing& p) { std::swap(p.source[0], p.source[1]); }},
      {"own steps", [](Packing& p) { std::swap(p.source[0], p.source[2]); }}};
  sound().check("test");
  for (const auto& [text, change] : changes) {
    Packing p = sound();
    change(p);
    CAPTURE(text);
    CHECK_REFUSED(p.check("test"), "test: the packing is not sound: ");
    CHECK_REFUSED(p.check("test"), text);
    const PackedSequence<double> x{Matrix<double>::Zero(2, 5), p};
    CHECK_REFUSED(unpack(x), "not sound");
    CHECK_REFUSED(unpack_backward(Matrix<double>(Matrix<double>::Zero(2, 12)), p), "not sound");
    CHECK_REFUSED(pack_steps(std::span<const Index>(std::vector<Index>(12)), p), "not sound");
  }
}

TEST_CASE("a permutation of more sequences than are marked at once is checked, too") {
  const Index many = 70000;
  std::vector<Index> lengths(many, 1);
  Packing p = Packing::from_lengths(lengths, 1);
  p.check("test");
  p.sorted_indices[69999] = 40000;
  CHECK_REFUSED(p.check("test"), "sorted_indices");
}

TEST_CASE("values, ids and columns that do not belong to a packing are refused") {
  CHECK_REFUSED(check_batch("test", PackedSequence<double>{Matrix<double>::Zero(2, 4), sound()}),
                "test: input has 4 columns, its packing 5");
  CHECK_REFUSED(check_batch("test", TokenBatch{{1, 2}, sound()}), "test: input has 2 ids, its packing 5");
  CHECK_REFUSED(unpack(PackedSequence<double>{Matrix<double>::Zero(2, 4), sound()}), "unpack: input has 4 columns");
  CHECK_REFUSED(unpack_backward(Matrix<double>(Matrix<double>::Zero(2, 5)), sound()), "5 columns, expected 3 x 4");
  CHECK_REFUSED(pack_steps(std::span<const Index>(), sound()), "0 values, expected 3 x 4");
  const Matrix<double> two = Matrix<double>::Zero(2, 2);
  Matrix<double> to, three = Matrix<double>::Zero(2, 3);
  CHECK_REFUSED(sort_sequences(sound(), two, to), "2 columns for a packing of 3 sequences");
  CHECK_REFUSED(unsort_sequences(sound(), two, to), "2 columns for a packing of 3 sequences");
  CHECK_REFUSED(sort_sequences(sound(), three, three), "another matrix");
  Packing p = sound();
  p.sorted_indices[1] = 5;
  CHECK_REFUSED(unsort_sequences(p, three, to), "names sequence 5, expected 0 to 2");
}

TEST_CASE("ids and sequences that make no batch are refused") {
  const std::vector<std::int32_t> ids{1, 2, 3};
  CHECK_REFUSED(pack(ids, 2, -1), "3 ids do not make 2 sequences of one length");
  CHECK_REFUSED(pack(ids, 0, -1), "3 ids");
  CHECK_REFUSED(pack(ids, -3, -1), "3 ids");
  CHECK_REFUSED(pack(std::span<const std::int32_t>(), -3, -1), "-3 sequences");
  CHECK_REFUSED(pack(std::vector<Eigen::MatrixXd>{Eigen::MatrixXd::Zero(2, 3), Eigen::MatrixXd::Zero(3, 3)}),
                "sequence 1 has 3 features, sequence 0 has 2");
  const std::vector<const Eigen::MatrixXd*> null{nullptr};
  PackedSequence<double> out;
  CHECK_REFUSED(pack_sequences<double>(std::span<const Eigen::MatrixXd* const>(null), out), "sequence 0 is a null");
}

TEST_CASE("one sequence is packed without more words, also an empty one") {
  const std::vector<std::int32_t> ids{4, 2, 4};
  const TokenBatch one = pack(ids);
  CHECK(one.ids == ids);
  CHECK(one.packing == pack(ids, 1, -1).packing);
  CHECK(pack(std::vector<std::int32_t>{}).packing.lengths == std::vector<Index>{0});
  const Eigen::MatrixXd x = Eigen::MatrixXd::Random(2, 3);
  CHECK(pack(x).values == x);
  CHECK(pack(Matrix<double>(x)).packing == one.packing);
  CHECK(pack(x.leftCols(0)).packing.batch() == 1);
}

TEST_CASE("random numbers from nothing are refused") {
  Rng rng(1);
  CHECK_REFUSED(rng.below(0), "Rng::below: n = 0, expected at least 1");
  CHECK(rng.below(1) == 0);
  for (const double rate : {nan, -0.1, 1.0, 2.0, std::numeric_limits<double>::infinity()})
    CHECK_REFUSED((DropoutMask(Context{}, 0, rate)), "DropoutMask: rate");
  Matrix<double> p = Matrix<double>::Constant(2, 2, 5);
  CHECK_REFUSED(fill(p, Initializer::glorot_uniform, {0, 0, 1}, rng), "fan in 0 and out 0");
  CHECK_REFUSED(fill(p, Initializer::glorot_normal, {-1, 3, 1}, rng), "fan in -1");
  CHECK_REFUSED(fill(p, Initializer::uniform, {1, 1, nan}, rng), "bound nan");
  CHECK_REFUSED(fill(p, Initializer::uniform, {1, 1, -1}, rng), "bound -1");
  CHECK_REFUSED(fill(p, Initializer::uniform_within(-2), {1, 1, 1}, rng), "bound -2");
  CHECK(p == Matrix<double>::Constant(2, 2, 5));
}

TEST_CASE("a table whose size was changed after it was touched is refused") {
  Table<double> table(2, 3);
  table.setZero();
  CHECK_REFUSED(table.touch(3), "Table: column 3, expected 0 to 2");
  CHECK_REFUSED(table.touch(-1), "Table: column -1");
  table.touch(2);
  table = Matrix<double>::Zero(2, 2);
  CHECK_REFUSED(table.touch(1), "marks of 3 columns, expected 2");
  CHECK_REFUSED(set_zero(table), "marks of 3 columns, expected 2");
  table.marked.clear();
  CHECK_REFUSED(set_zero(table), "marks of 0 columns");
  table.marked.assign(2, 1);
  CHECK_REFUSED(set_zero(table), "column 2 was touched, expected 0 to 1");
}

TEST_CASE("copying between models of other shapes changes nothing") {
  Two<double> from, to;
  from.first.setConstant(1), from.second.setConstant(2);
  to.first.setConstant(3), to.second.setConstant(4);
  from.second = Matrix<double>::Zero(1, 2);
  CHECK_REFUSED(copy_parameters(from, to), "copy_parameters: second is 1 x 1 here and 1 x 2 there");
  CHECK(to.first == Matrix<double>::Constant(2, 3, 3));
  to.second = Matrix<double>();
  CHECK_REFUSED(copy_parameters(from, to), "second is 0 x 0 here and 1 x 2 there");
  from.second = Matrix<double>(), to.second = Matrix<double>::Zero(1, 1);
  CHECK_REFUSED(copy_parameters(from, to), "second is 1 x 1 here and 0 x 0 there");
}

TEST_CASE("patterns match as they did, and many stars take no longer") {
  CHECK(matches("0.*", "0.weight"));
  CHECK(matches("*weight*l0", "1.weight_ih_l0"));
  CHECK(matches("**", ""));
  CHECK(matches("a*b*c", "aXbYbc"));
  CHECK_FALSE(matches("a*b*c", "aXbYb"));
  CHECK_FALSE(matches("", "x"));
  CHECK_FALSE(matches("*a", ""));
  std::string stars;
  for (int k = 0; k < 40; ++k) stars += "*a";
  CHECK_FALSE(matches(stars + "b", std::string(200, 'a')));
  Two<double> model;
  CHECK_REFUSED(freeze(model, "third"), "freeze: no parameter matches 'third'");
  CHECK_REFUSED(thaw(model, ""), "thaw: no parameter matches ''");
}

#undef CHECK_REFUSED
}  // namespace misuse_core
