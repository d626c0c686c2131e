#include <cmath>
#include <cstring>

#include <doctest/doctest.h>

#include <unroll/file/dtype.hpp>

using namespace unroll;

namespace {
std::uint32_t bits(float x) { return std::bit_cast<std::uint32_t>(x); }
}  // namespace

TEST_CASE("every finite binary16 number is read exactly") {
  for (std::uint32_t h = 0; h < 0x10000; ++h) {
    const int exponent = static_cast<int>(h >> 10 & 0x1F), fraction = static_cast<int>(h & 0x3FF);
    if (exponent == 0x1F) continue;
    // By the definition of the format, in double.
    const double magnitude = exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
    const auto expected = static_cast<float>((h & 0x8000) != 0 ? -magnitude : magnitude);
    const float got = float_from_half(static_cast<std::uint16_t>(h));
    REQUIRE(bits(got) == bits(expected));
    REQUIRE(detail::has_finite_bits(got));
  }
}

TEST_CASE("infinities and NaN of binary16 stay what they are") {
  CHECK(bits(float_from_half(0x7C00)) == 0x7F800000u);
  CHECK(bits(float_from_half(0xFC00)) == 0xFF800000u);
  CHECK((bits(float_from_half(0x7E01)) & 0x7FFFFFFFu) > 0x7F800000u);
  CHECK_FALSE(detail::has_finite_bits(float_from_half(0x7C00)));
  CHECK_FALSE(detail::has_finite_bits(float_from_half(0x7C01)));
}

TEST_CASE("bfloat16 is the upper half of a float") {
  for (const std::uint32_t upper : {0x0000u, 0x8000u, 0x0001u, 0x3F80u, 0xC049u, 0x7F7Fu, 0x7F80u})
    CHECK(bits(float_from_bfloat16(static_cast<std::uint16_t>(upper))) == upper << 16);
  CHECK(float_from_bfloat16(0x3FC0) == 1.5f);
}

TEST_CASE("a number is written as the nearest of 16 bits, of two the even one") {
  // Neighbors a < b of both formats, the number between them and those beside it, in double.
  const auto check = [](auto round, auto read, std::uint16_t first, std::uint16_t largest) {
    for (std::uint16_t k = first; k < largest; ++k) {
      const double a = read(k), b = read(static_cast<std::uint16_t>(k + 1)), middle = a + (b - a) / 2;
      const std::uint16_t even = k % 2 == 0 ? k : static_cast<std::uint16_t>(k + 1);
      REQUIRE(round(a) == k);
      REQUIRE(round(-a) == (k | 0x8000));
      REQUIRE(round(middle) == even);
      REQUIRE(round(-middle) == (even | 0x8000));
      REQUIRE(round(std::nextafter(middle, 0.0)) == k);
      REQUIRE(round(std::nextafter(middle, b)) == k + 1);
    }
  };
  check(half_from, float_from_half, 0, 0x7BFF);
#if defined(__FAST_MATH__)  // floats below the normal ones are 0 there
  check(bfloat16_from, float_from_bfloat16, 0x80, 0x7F7F);
#else
  check(bfloat16_from, float_from_bfloat16, 0, 0x7F7F);
#endif
  CHECK(half_from(1e-300) == 0);
  CHECK(half_from(std::numeric_limits<double>::denorm_min()) == 0);
}

TEST_CASE("what 16 bits cannot hold becomes infinite, and is told apart from what was") {
  CHECK(half_from(65519.999) == 0x7BFF);
  CHECK(half_from(65520) == 0x7C00);
  CHECK(half_from(-1e300) == 0xFC00);
  CHECK(half_from(std::numeric_limits<double>::infinity()) == 0x7C00);
  CHECK((half_from(std::numeric_limits<double>::quiet_NaN()) & 0x7FFF) > 0x7C00);
  CHECK(bfloat16_from(std::ldexp(511, 119)) == 0x7F80);
  std::byte to[8];
  CHECK(detail::store_rounded(65504, Dtype::f16, to));
  CHECK_FALSE(detail::store_rounded(65520, Dtype::f16, to));
  CHECK(detail::store_rounded(std::numeric_limits<double>::infinity(), Dtype::f16, to));
  CHECK_FALSE(detail::store_rounded(1e39, Dtype::bf16, to));
  CHECK_FALSE(detail::store_rounded(1e39, Dtype::f32, to));
  CHECK(detail::store_rounded(1e39, Dtype::f64, to));
}

TEST_CASE("bytes are little-endian at any alignment") {
  std::byte buffer[9]{};
  detail::store_bytes(std::uint32_t{0x01020304}, buffer + 1);
  CHECK(buffer[1] == std::byte{4});
  CHECK(buffer[4] == std::byte{1});
  CHECK(detail::load_bytes<std::uint32_t>(buffer + 1) == 0x01020304u);
  detail::store_bytes(-1.5, buffer + 1);
  CHECK(detail::load_bytes<double>(buffer + 1) == -1.5);
}

TEST_CASE("names and sizes of types belong together") {
  for (const auto dtype : {Dtype::f64, Dtype::i64, Dtype::f32, Dtype::i32, Dtype::f16, Dtype::bf16, Dtype::u8})
    CHECK(dtype_from_name(name_of(dtype)) == dtype);
  CHECK(size_of(Dtype::bf16) == 2);
  CHECK(!dtype_from_name("BOOL").has_value());
  CHECK(dtype_of<std::int64_t> == Dtype::i64);
  CHECK(dtype_of<float> == Dtype::f32);
}
