// The value that equations are written over: W floats or doubles that go through the same operations together.
// GCC and Clang vector extensions; one lane is a plain number and works with any compiler.
#pragma once

#include <cmath>
#include <concepts>
#include <cstring>
#include <limits>
#include <type_traits>

#include <unroll/core/config.hpp>
#include <unroll/kernel/lanes.hpp>
#include <unroll/kernel/levels.hpp>

UNROLL_KERNEL_BEGIN
namespace unroll::inline UNROLL_ABI {

namespace detail {

/// One place for all types and widths, so that there is one error.
template <std::same_as<bool> Truth> Truth refuse_branch() {
  static_assert(!sizeof(Truth),
                "unroll: equations run on several units at once, whose conditions may differ: "
                "write select(condition, a, b) instead of a branch");
  return false;
}

}  // namespace detail

/// The result of comparing two `Simd`: one truth value a lane. It has no conversion to bool: lanes may disagree.
template <class T, int W, class Level> class Mask {
 public:
  using Storage = std::conditional_t<W == 1, bool, detail::LanesOf<detail::IntOf<T>, W>>;
  Storage lanes;

  friend UNROLL_INLINE Mask operator&(const Mask& a, const Mask& b) {
    return {static_cast<Storage>(a.lanes & b.lanes)};
  }
  friend UNROLL_INLINE Mask operator|(const Mask& a, const Mask& b) {
    return {static_cast<Storage>(a.lanes | b.lanes)};
  }
  friend UNROLL_INLINE Mask operator!(const Mask& a) { return {static_cast<Storage>(a.lanes == 0)}; }
  /// a where the mask holds, b elsewhere.
  friend UNROLL_INLINE Simd<T, W, Level> select(const Mask& mask, const Simd<T, W, Level>& a,
                                                const Simd<T, W, Level>& b) {
    return Simd<T, W, Level>::from(mask.lanes ? a.lanes() : b.lanes());
  }

  template <std::same_as<bool> Truth> explicit operator Truth() const { return detail::refuse_branch<Truth>(); }
};

/// W lanes of T (float or double). Arithmetic, comparisons and functions act on each lane; numbers convert implicitly.
/// Widths are 1 or 16, 32 and 64 bytes; those above 16 bytes may only run where the processor has them
/// (kernel/level.hpp). The instructions are those of `Level`: unless it is said, of the usual one of that width.
template <class T, int W, class Level> class Simd {
  static_assert(std::same_as<T, float> || std::same_as<T, double>, "unroll::Simd: the scalar is float or double");
  static_assert(!std::is_void_v<Level>, "unroll::Simd: the width is one lane, or 16, 32 or 64 bytes");

 public:
  using Scalar = T;
  using Storage = detail::LanesOf<T, W>;
  using Condition = Mask<T, W, Level>;
  using Instructions = detail::Instructions<Level, T>;
  static constexpr int width = W;

  UNROLL_INLINE Simd() : lanes_{} {}
  template <class Number> requires std::is_arithmetic_v<Number>
  UNROLL_INLINE Simd(Number number) {
    if constexpr (W == 1)
      lanes_ = static_cast<T>(number);
    else
      lanes_ = static_cast<T>(number) - Storage{};  // x - 0 is x for every x, -0 included
  }
  // Copies are written out so that the compiler passes the class by reference where it does not inline: then no calling
  // convention depends on the width, and helpers in a user's equations raise no ABI warning.
  UNROLL_INLINE Simd(const Simd& other) : lanes_(other.lanes_) {}
  UNROLL_INLINE Simd& operator=(const Simd& other) {
    lanes_ = other.lanes_;
    return *this;
  }
  static UNROLL_INLINE Simd from(const Storage& lanes) {
    Simd result;
    result.lanes_ = lanes;
    return result;
  }

  UNROLL_INLINE const Storage& lanes() const { return lanes_; }
  UNROLL_INLINE T operator[](int lane) const {
    if constexpr (W == 1)
      return static_cast<void>(lane), lanes_;
    else
      return lanes_[lane];
  }
  UNROLL_INLINE explicit operator T() const requires(W == 1)
  {
    return lanes_;
  }

  /// From and to memory of any alignment.
  static UNROLL_INLINE Simd load(const T* from) {
    Simd result;
    std::memcpy(&result.lanes_, from, sizeof(Storage));
    return result;
  }
  UNROLL_INLINE void store(T* to) const { std::memcpy(to, &lanes_, sizeof(Storage)); }
  /// One number in memory to all lanes.
  static UNROLL_INLINE Simd fill(const T* from) {
    Simd result;
    if constexpr (requires { &Instructions::fill; })
      Instructions::fill(from, &result.lanes_);
    else
      result = Simd(*from);
    return result;
  }
  /// The first n <= W lanes; memory past them is not touched, lanes past them are 0.
  static UNROLL_INLINE Simd load(const T* from, Index n) {
    Simd result;
    if constexpr (requires { &Instructions::load; }) {
      Instructions::load(from, n, &result.lanes_);
    } else if (n >= W) {
      result = load(from);
    } else {
      T lanes[W] = {};
      detail::copy_lanes(from, n, lanes);
      result = load(lanes);
    }
    return result;
  }
  UNROLL_INLINE void store(T* to, Index n) const {
    if constexpr (requires { &Instructions::store; }) {
      Instructions::store(to, n, &lanes_);
    } else if (n >= W) {
      store(to);
    } else {
      T lanes[W];
      store(lanes);
      detail::copy_lanes(lanes, n, to);
    }
  }

  friend UNROLL_INLINE Simd operator+(const Simd& a, const Simd& b) { return from(a.lanes_ + b.lanes_); }
  friend UNROLL_INLINE Simd operator-(const Simd& a, const Simd& b) { return from(a.lanes_ - b.lanes_); }
  friend UNROLL_INLINE Simd operator*(const Simd& a, const Simd& b) { return from(a.lanes_ * b.lanes_); }
  friend UNROLL_INLINE Simd operator/(const Simd& a, const Simd& b) { return from(a.lanes_ / b.lanes_); }
  friend UNROLL_INLINE Simd operator-(const Simd& a) { return from(-a.lanes_); }
  friend UNROLL_INLINE Simd operator+(const Simd& a) { return a; }
  UNROLL_INLINE Simd& operator+=(const Simd& b) { return *this = *this + b; }
  UNROLL_INLINE Simd& operator-=(const Simd& b) { return *this = *this - b; }
  UNROLL_INLINE Simd& operator*=(const Simd& b) { return *this = *this * b; }
  UNROLL_INLINE Simd& operator/=(const Simd& b) { return *this = *this / b; }

  friend UNROLL_INLINE Condition operator<(const Simd& a, const Simd& b) { return {a.lanes_ < b.lanes_}; }
  friend UNROLL_INLINE Condition operator<=(const Simd& a, const Simd& b) { return {a.lanes_ <= b.lanes_}; }
  friend UNROLL_INLINE Condition operator>(const Simd& a, const Simd& b) { return {a.lanes_ > b.lanes_}; }
  friend UNROLL_INLINE Condition operator>=(const Simd& a, const Simd& b) { return {a.lanes_ >= b.lanes_}; }
  friend UNROLL_INLINE Condition operator==(const Simd& a, const Simd& b) { return {a.lanes_ == b.lanes_}; }
  friend UNROLL_INLINE Condition operator!=(const Simd& a, const Simd& b) { return {a.lanes_ != b.lanes_}; }

  UNROLL_INLINE Simd smaller(const Simd& b) const {
    if constexpr (requires { &Instructions::smaller; }) {
      Simd result;
      Instructions::smaller(&lanes_, &b.lanes_, &result.lanes_);
      return result;
    } else {
      return from(lanes_ < b.lanes_ ? lanes_ : b.lanes_);
    }
  }
  UNROLL_INLINE Simd larger(const Simd& b) const {
    if constexpr (requires { &Instructions::larger; }) {
      Simd result;
      Instructions::larger(&lanes_, &b.lanes_, &result.lanes_);
      return result;
    } else {
      return from(lanes_ > b.lanes_ ? lanes_ : b.lanes_);
    }
  }

  /// The smaller and the larger; b where a is NaN or b is. In parentheses, because <windows.h> has macros of these
  /// names.
  friend UNROLL_INLINE Simd(min)(const Simd& a, const Simd& b) { return a.smaller(b); }
  friend UNROLL_INLINE Simd(max)(const Simd& a, const Simd& b) { return a.larger(b); }
  /// max(a, 0).
  friend UNROLL_INLINE Simd relu(const Simd& a) { return a.larger(Simd(0)); }
  /// x, but at least low and at most high; NaN comes through.
  friend UNROLL_INLINE Simd clamp(const Simd& x, const Simd& low, const Simd& high) {
    return high.smaller(low.larger(x));
  }
  friend UNROLL_INLINE Simd abs(const Simd& a) {
    using Bits = detail::LanesOf<detail::IntOf<T>, W>;
    constexpr detail::IntOf<T> all_but_sign = (std::numeric_limits<detail::IntOf<T>>::max)();
    return from(__builtin_bit_cast(Storage, __builtin_bit_cast(Bits, a.lanes_) & all_but_sign));
  }
  /// a*b + c, rounded once where the processor level has FMA, twice elsewhere.
  friend UNROLL_INLINE Simd fma(const Simd& a, const Simd& b, const Simd& c) { return a.times_plus(b, c); }
  friend UNROLL_INLINE Simd sqrt(const Simd& a) { return a.root(); }

  template <std::same_as<bool> Truth> explicit operator Truth() const {
    static_assert(!sizeof(Truth),
                  "unroll: equations run on several units at once, whose values differ: "
                  "write select(condition, a, b) instead of a branch");
  }

 private:
  alignas(sizeof(Storage)) Storage lanes_;  // GCC would align to the widest register of the command line's target

  UNROLL_INLINE Simd times_plus(const Simd& b, const Simd& c) const {
#if defined(__clang__)
#pragma clang fp contract(on)
    return from(lanes_ * b.lanes_ + c.lanes_);  // within one expression: fused exactly where the target can
#else
    if constexpr (!Level::fuses) {
      return from(lanes_ * b.lanes_ + c.lanes_);
    } else if constexpr (W == 1) {
      return from(std::fma(lanes_, b.lanes_, c.lanes_));
    } else if constexpr (requires { &Instructions::fma; }) {
      Simd result;
      Instructions::fma(&lanes_, &b.lanes_, &c.lanes_, &result.lanes_);
      return result;
    } else {
      Simd result;
      for (int lane = 0; lane < W; ++lane) result.lanes_[lane] = std::fma(lanes_[lane], b.lanes_[lane], c.lanes_[lane]);
      return result;
    }
#endif
  }

  UNROLL_INLINE Simd root() const {
    if constexpr (W == 1) {
      return from(std::sqrt(lanes_));
    } else {
      Simd result;
#if defined(__clang__) && __has_builtin(__builtin_elementwise_sqrt)
      result.lanes_ = __builtin_elementwise_sqrt(lanes_);
#else
      if constexpr (requires { &Instructions::sqrt; })
        Instructions::sqrt(&lanes_, &result.lanes_);
      else
        for (int lane = 0; lane < W; ++lane) result.lanes_[lane] = std::sqrt(lanes_[lane]);
#endif
      return result;
    }
  }
};

/// One number as a class of the library, so that `tanh(x)` and its like are found from any namespace.
template <class T> using Value = Simd<T, 1>;

}  // namespace unroll::inline UNROLL_ABI
UNROLL_KERNEL_END
