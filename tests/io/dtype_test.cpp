#include <cmath>
#include <cstring>

#include <doctest/doctest.h>

#include <unroll/io/dtype.hpp>

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
