#include <doctest/doctest.h>

#include <unroll/core/pack.hpp>

using namespace unroll;

namespace {
using Ints = std::vector<Index>;
const std::vector<Index> lengths{1, 3, 0, 3};
}  // namespace

TEST_CASE("lengths are packed in time-major blocks, longest first, ties in the user's order") {
  const Packing p = Packing::from_lengths(lengths, 4);
  CHECK(p.batch() == 4);
  CHECK(p.steps() == 3);
  CHECK(p.batch_sizes == Ints{3, 2, 2});
  CHECK(p.offsets == Ints{0, 3, 5, 7});
  CHECK(p.sorted_indices == Ints{1, 3, 0, 2});
  CHECK(p.lengths == Ints{3, 3, 1, 0});
  CHECK(p.source == Ints{4, 12, 0, 5, 13, 6, 14});
  CHECK(p.state_column(0, 3) == 3);
  CHECK(p.state_column(1, 0) == 4);
  CHECK(p.state_column(3, 1) == 10);  // B + N columns in all
}

TEST_CASE("packing forgets what it was before: memory is reused, nothing else") {
  Packing p = Packing::from_lengths(Ints{9, 9, 9, 9, 9}, 9);
  p.assign_lengths(lengths, 4);
  CHECK(p == Packing::from_lengths(lengths, 4));
}

TEST_CASE("no sequence, empty sequences and full masks of zeros are legal") {
  CHECK(Packing::from_lengths(Ints{}, 4).total() == 0);
  const Packing empty = Packing::from_lengths(Ints{0, 0}, 4);
  CHECK(empty.batch() == 2);
  CHECK(empty.steps() == 0);
  CHECK(Packing::from_mask(std::vector<std::uint8_t>(6, 0), 2, 3).total() == 0);
}

TEST_CASE("a bad length or mask says which and what was expected") {
  CHECK_THROWS_WITH_AS(Packing::from_lengths(Ints{2, 5}, 4), "pack: sequence 1 has length 5, expected 0 to 4",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(Packing::from_lengths(Ints{-1}, 4), "pack: sequence 0 has length -1, expected 0 to 4",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(Packing::from_mask(std::vector<std::uint8_t>(5, 1), 2, 3),
                       "pack: the mask has 5 elements, expected 2 x 3", std::invalid_argument);
}

TEST_CASE("batch-first and time-first arrays pack to the same sequences") {
  const Index B = 4, T = 4, D = 2;
  std::vector<float> first(std::size_t(B * T * D)), time(first.size());
  for (Index b = 0; b < B; ++b)
    for (Index t = 0; t < T; ++t)
      for (Index d = 0; d < D; ++d)
        first[std::size_t((b * T + t) * D + d)] = time[std::size_t((t * B + b) * D + d)] = float(100 * b + 10 * t + d);
  const auto a = pack(batch_first(first.data(), B, T, D), std::span(lengths));
  const auto b = pack(time_first(time.data(), T, B, D), std::span(lengths));
  CHECK(a.packing == b.packing);
  CHECK((a.values.array() == b.values.array()).all());
  CHECK(a.values(1, 5) == 121);  // block 2 starts with sequence 1: step 2, feature 1
}

TEST_CASE("unpack puts zeros where nothing was, or repeats the step processed before") {
  const std::vector<std::uint8_t> mask{0, 1, 0, 1, 0};
  std::vector<float> data{10, 11, 12, 13, 14};
  const auto packed = pack(batch_first(data.data(), 1, 5, 1), std::span(mask));
  const auto row = [](const Matrix<float>& m) { return std::vector<float>(m.data(), m.data() + m.size()); };
  CHECK(row(unpack(packed)) == std::vector<float>{0, 11, 0, 13, 0});
  CHECK(row(unpack(packed, Fill::repeat)) == std::vector<float>{0, 11, 11, 13, 13});
  CHECK(row(unpack(packed, Fill::repeat, Direction::reverse)) == std::vector<float>{11, 11, 13, 13, 0});
}

TEST_CASE("the backward of unpack adds the gradients of repeated outputs") {
  const std::vector<std::uint8_t> mask{0, 1, 0, 1, 0};
  Matrix<double> d(1, 5);
  d << 1, 2, 4, 8, 16;
  const Packing packing = Packing::from_mask(mask, 1, 5);
  CHECK(unpack_backward(d, packing).values(0, 0) == 2);
  CHECK(unpack_backward(d, packing, Fill::repeat).values(0, 0) == 6);
  CHECK(unpack_backward(d, packing, Fill::repeat).values(0, 1) == 24);
  CHECK(unpack_backward(d, packing, Fill::repeat, Direction::reverse).values(0, 0) == 3);
}

TEST_CASE("token ids pack without their padding, wherever it stands") {
  const std::vector<std::int32_t> ids{0, 5, 6, 7, 0, 8};
  const TokenBatch batch = pack(std::span(ids), 2, 0);
  CHECK(batch.ids == std::vector<std::int32_t>{5, 7, 6, 8});
  CHECK(batch.packing.lengths == Ints{2, 2});
  CHECK_THROWS_WITH_AS(pack(std::span(ids), 4, 0), "pack: 6 ids do not make 4 sequences of one length",
                       std::invalid_argument);
  const std::vector<std::int32_t> labels{9, 1, 2, 3, 9, 4};
  CHECK(pack_steps(std::span<const std::int32_t>(labels), batch.packing) == std::vector<std::int32_t>{1, 3, 2, 4});
}

TEST_CASE("sequences of their own lengths need no padding at all") {
  const std::vector<Eigen::MatrixXf> sequences{Eigen::MatrixXf::Constant(2, 1, 1), Eigen::MatrixXf::Constant(2, 3, 2)};
  const auto packed = pack(sequences);
  CHECK(packed.packing.batch_sizes == Ints{2, 1, 1});
  CHECK(packed.values(0, 0) == 2);
  CHECK(packed.values(0, 1) == 1);
  const std::vector<Eigen::MatrixXf> wrong{Eigen::MatrixXf(2, 1), Eigen::MatrixXf(3, 1)};
  CHECK_THROWS_WITH_AS(pack(wrong), "pack: sequence 1 has 3 features, sequence 0 has 2", std::invalid_argument);
}
