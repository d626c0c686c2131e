// The types of stored numbers and their way to and from bytes.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <type_traits>

#include <unroll/core/error.hpp>
#include <unroll/core/finite.hpp>

namespace unroll::inline UNROLL_ABI {

/// The element types of safetensors: those that the library reads (it writes all of them but u8), and `other`, which
/// stands for the rest.
enum class Dtype : std::uint8_t { f64, i64, f32, i32, f16, bf16, u8, other };

constexpr std::string_view name_of(Dtype dtype) {
  constexpr std::array<std::string_view, 8> names{"F64", "I64", "F32", "I32", "F16", "BF16", "U8", "other"};
  return names[static_cast<std::size_t>(dtype)];
}
/// Bytes of one element; 0 where they are not known.
constexpr std::size_t size_of(Dtype dtype) {
  constexpr std::array<std::size_t, 8> sizes{8, 8, 4, 4, 2, 2, 1, 0};
  return sizes[static_cast<std::size_t>(dtype)];
}
/// Of a name that is not among them: nothing.
constexpr std::optional<Dtype> dtype_from_name(std::string_view name) {
  for (int k = 0; k < static_cast<int>(Dtype::other); ++k)
    if (const auto dtype = static_cast<Dtype>(k); name_of(dtype) == name) return dtype;
  return std::nullopt;
}
/// Bits of one element of each type that the format names, read here or not; nothing for a name that it does not know.
constexpr std::optional<std::uint64_t> bits_of_dtype(std::string_view name) {
  if (const auto dtype = dtype_from_name(name)) return 8 * size_of(*dtype);
  struct Width {
    std::string_view name;
    std::uint64_t bits;
  };
  constexpr Width others[] = {{"BOOL", 8},        {"I8", 8},          {"F8_E5M2", 8}, {"F8_E4M3", 8}, {"F8_E8M0", 8},
                              {"F8_E5M2FNUZ", 8}, {"F8_E4M3FNUZ", 8}, {"I16", 16},    {"U16", 16},    {"U32", 32},
                              {"U64", 64},        {"C64", 64},        {"F4", 4},      {"F6_E2M3", 6}, {"F6_E3M2", 6}};
  for (const Width& other : others)
    if (other.name == name) return other.bits;
  return std::nullopt;
}

constexpr bool is_floating_point(Dtype dtype) {
  return dtype == Dtype::f64 || dtype == Dtype::f32 || dtype == Dtype::f16 || dtype == Dtype::bf16;
}

/// The type under which a scalar is written unless another is asked for.
template <class T>
inline constexpr Dtype dtype_of = [] {
  static_assert(std::is_same_v<T, float> || std::is_same_v<T, double> || std::is_same_v<T, std::int32_t> ||
                    std::is_same_v<T, std::int64_t>,
                "unroll writes float, double, std::int32_t and std::int64_t");
  if constexpr (std::is_floating_point_v<T>) return sizeof(T) == 8 ? Dtype::f64 : Dtype::f32;
  return sizeof(T) == 8 ? Dtype::i64 : Dtype::i32;
}();

/// IEEE 754 binary16, exactly.
inline float float_from_half(std::uint16_t half) {
  const std::uint32_t sign = (half & 0x8000u) << 16;
  const std::uint32_t exponent = (half >> 10) & 0x1Fu, fraction = half & 0x3FFu;
  if (exponent == 0) {  // zero or subnormal: a multiple of 2^-24, which a float holds as a normal number
    const auto magnitude = std::bit_cast<std::uint32_t>(static_cast<float>(fraction) * 0x1p-24f);
    return std::bit_cast<float>(sign | magnitude);
  }
  const std::uint32_t wide = exponent == 0x1F ? 0xFFu : exponent + (127 - 15);
  return std::bit_cast<float>(sign | wide << 23 | fraction << 13);
}
/// bfloat16 is the upper half of a float.
inline float float_from_bfloat16(std::uint16_t upper) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(upper) << 16);
}

namespace detail {

/// The nearest number of E bits of exponent and F of fraction, of two equally near ones the one whose last bit is 0;
/// infinity for what is beyond the largest.
template <int E, int F> std::uint16_t round_to_small(double x) {
  constexpr auto infinity = static_cast<std::uint64_t>((1 << E) - 1) << F;
  const auto bits = std::bit_cast<std::uint64_t>(x);
  const std::uint64_t sign = bits >> 63 << (E + F), magnitude = bits & 0x7FFF'FFFF'FFFF'FFFFu;
  const auto with_sign = [sign](std::uint64_t value) { return static_cast<std::uint16_t>(sign | value); };
  if (magnitude > 0x7FF0'0000'0000'0000u) return with_sign(infinity | 1u << (F - 1));  // NaN
  const int exponent = static_cast<int>(magnitude >> 52) - 1023 + ((1 << (E - 1)) - 1);
  if (exponent >= (1 << E) - 1) return with_sign(infinity);
  const int dropped = 52 - F + (std::max)(0, 1 - exponent);  // bits, more of them where the result is subnormal
  if (dropped > 53) return with_sign(0);
  const std::uint64_t significand = (magnitude & 0xF'FFFF'FFFF'FFFFu) | std::uint64_t{1} << 52;
  const std::uint64_t kept = significand >> dropped, half = std::uint64_t{1} << (dropped - 1);
  const std::uint64_t rest = significand & (2 * half - 1);
  const bool up = rest > half || (rest == half && (kept & 1) == 1);
  // The leading 1 of `kept` counts in the exponent, and a carry goes there, up to infinity.
  return with_sign(kept + (up ? 1 : 0) + (static_cast<std::uint64_t>((std::max)(0, exponent - 1)) << F));
}

}  // namespace detail

/// Rounded once, to nearest, ties to even; beyond 65504 infinity.
inline std::uint16_t half_from(double x) { return detail::round_to_small<5, 10>(x); }
/// Likewise; bfloat16 has the range of a float.
inline std::uint16_t bfloat16_from(double x) { return detail::round_to_small<8, 7>(x); }

namespace detail {

/// Files are little-endian.
template <class T> T load_bytes(const std::byte* from) {
  std::array<std::byte, sizeof(T)> bytes;
  std::copy_n(from, sizeof(T), bytes.begin());
  if constexpr (std::endian::native == std::endian::big) std::ranges::reverse(bytes);
  return std::bit_cast<T>(bytes);
}
template <class T> void store_bytes(T value, std::byte* to) {
  auto bytes = std::bit_cast<std::array<std::byte, sizeof(T)>>(value);
  if constexpr (std::endian::native == std::endian::big) std::ranges::reverse(bytes);
  std::ranges::copy(bytes, to);
}

/// Stores a number as an element of a floating-point type. False where it was finite and is not any more.
inline bool store_rounded(double x, Dtype dtype, std::byte* to) {
  const auto stored = [&](float read) { return has_finite_bits(read) || !has_finite_bits(x); };
  if (dtype == Dtype::f16) {
    store_bytes(half_from(x), to);
    return stored(float_from_half(half_from(x)));
  }
  if (dtype == Dtype::bf16) {
    store_bytes(bfloat16_from(x), to);
    return stored(float_from_bfloat16(bfloat16_from(x)));
  }
  if (dtype == Dtype::f32) {
    store_bytes(static_cast<float>(x), to);
    return stored(static_cast<float>(x));
  }
  store_bytes(x, to);
  return true;
}

/// f(read), where read(bytes) is the element that begins there, in its own type (float for the 16-bit ones). Not of
/// `other`.
template <class F> decltype(auto) with_element_reader(Dtype dtype, F&& f) {
  switch (dtype) {
    case Dtype::f64:
      return f([](const std::byte* p) { return load_bytes<double>(p); });
    case Dtype::i64:
      return f([](const std::byte* p) { return load_bytes<std::int64_t>(p); });
    case Dtype::i32:
      return f([](const std::byte* p) { return load_bytes<std::int32_t>(p); });
    case Dtype::f16:
      return f([](const std::byte* p) { return float_from_half(load_bytes<std::uint16_t>(p)); });
    case Dtype::bf16:
      return f([](const std::byte* p) { return float_from_bfloat16(load_bytes<std::uint16_t>(p)); });
    case Dtype::u8:
      return f([](const std::byte* p) { return load_bytes<std::uint8_t>(p); });
    case Dtype::f32:
    case Dtype::other:
      break;
  }
  return f([](const std::byte* p) { return load_bytes<float>(p); });
}

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI
