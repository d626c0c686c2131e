#include <vector>

#include <doctest/doctest.h>

#include <unroll/core/context.hpp>

using namespace unroll;

TEST_CASE("Philox gives the known answers of Random123") {
  CHECK(philox({0, 0, 0, 0}, {0, 0}) == std::array<std::uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  const std::uint32_t f = 0xffffffff;
  CHECK(philox({f, f, f, f}, {f, f}) == std::array<std::uint32_t, 4>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        std::array<std::uint32_t, 4>{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("a stream can be left and taken up again, and children do not depend on what was drawn") {
  Rng a(7);
  const Rng child = a.child(3);
  std::vector<std::uint64_t> numbers;
  for (int k = 0; k < 9; ++k) numbers.push_back(a());
  Rng b(7);
  b.seek(5);
  CHECK(b() == numbers[5]);
  CHECK(a.child(3)() == Rng(child)());
  CHECK(Rng(7).child(4)() != Rng(child)());
}

TEST_CASE("uniform and normal numbers have their mean and deviation, below(n) is even") {
  Rng rng(1);
  double mean = 0, square = 0, normal_mean = 0, normal_square = 0;
  std::array<int, 7> counts{};
  const int n = 70000;
  for (int k = 0; k < n; ++k) {
    const double u = rng.uniform(), z = rng.normal();
    mean += u / n, square += u * u / n, normal_mean += z / n, normal_square += z * z / n;
    ++counts[rng.below(7)];
  }
  CHECK(mean == doctest::Approx(0.5).epsilon(0.01));
  CHECK(square == doctest::Approx(1.0 / 3).epsilon(0.01));
  CHECK(std::abs(normal_mean) < 0.02);
  CHECK(normal_square == doctest::Approx(1).epsilon(0.02));
  for (const int c : counts) CHECK(c == doctest::Approx(10000).epsilon(0.05));
}

TEST_CASE("a dropout mask is a function of its place: seed, step, layer, mask, row, time and unit") {
  const Context context{.training = true, .seed = 1, .step = 2};
  const auto draw = [](const Context& c, std::uint64_t mask, Index row, Index time) {
    std::vector<float> scales(64);
    DropoutMask(c, mask, 0.25).draw(row, time, 64, scales.data());
    return scales;
  };
  const auto base = draw(context, 0, 3, 4);
  CHECK(draw(context, 0, 3, 4) == base);
  Context other = context;
  other.seed = 2;
  CHECK(draw(other, 0, 3, 4) != base);
  other = context;
  other.step = 3;
  CHECK(draw(other, 0, 3, 4) != base);
  CHECK(draw(context.child(0), 0, 3, 4) != base);
  CHECK(draw(context.child(0), 0, 3, 4) != draw(context.child(1), 0, 3, 4));
  CHECK(draw(context, 1, 3, 4) != base);
  CHECK(draw(context, 0, 4, 3) != base);
  other = context;
  other.first_row = 2;
  CHECK(draw(other, 0, 1, 4) == base);  // row 1 of a part that starts at row 2
}

TEST_CASE("a dropout mask keeps 1 - rate of the units and scales them up, so the mean stays") {
  std::vector<float> scales(100000);
  DropoutMask({.training = true}, 0, 0.2).draw(0, 0, 100000, scales.data());
  double mean = 0, zeros = 0;
  for (const float s : scales) {
    CHECK((s == 0 || s == 1.25f));
    mean += s / 1e5, zeros += s == 0 ? 1e-5 : 0;
  }
  CHECK(mean == doctest::Approx(1).epsilon(0.01));
  CHECK(zeros == doctest::Approx(0.2).epsilon(0.02));
}
