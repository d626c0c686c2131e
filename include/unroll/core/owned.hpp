// A value whose type is known at run time.
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

#include <unroll/core/type_id.hpp>

namespace unroll::inline UNROLL_ABI::detail {

/// Owns a value behind the interface Base, which says clone, assign and type; may be empty. A copy is a copy of the
/// value, and one of the same type is assigned where it is, so that no memory is needed for it.
template <class Base> class Owned {
 public:
  Owned() = default;
  explicit Owned(std::unique_ptr<Base> of) : of_(std::move(of)) {}
  Owned(const Owned& other) : of_(other.of_ == nullptr ? nullptr : other.of_->clone()) {}
  Owned(Owned&&) noexcept = default;
  Owned& operator=(const Owned& other) {
    if (this == &other) return *this;
    if (of_ == nullptr || other.of_ == nullptr || !of_->assign(*other.of_))
      of_ = other.of_ == nullptr ? nullptr : other.of_->clone();
    return *this;
  }
  Owned& operator=(Owned&&) noexcept = default;
  ~Owned() = default;

  Base* get() { return of_.get(); }
  const Base* get() const { return of_.get(); }

 private:
  std::unique_ptr<Base> of_;
};

/// A value of type X, and what Owned asks of it; Self is the class that is derived from this one.
template <class Self, class Base, class X> class Held : public Base {
 public:
  X value;

  explicit Held(X of) : value(std::move(of)) {}
  std::unique_ptr<Base> clone() const override { return std::make_unique<Self>(static_cast<const Self&>(*this)); }
  bool assign(const Base& other) override {
    if (!(other.type() == type())) return false;
    value = static_cast<const Self&>(other).value;
    return true;
  }
  TypeId type() const override { return TypeId::of<X>(); }
};

/// The value of a Self that is behind `base`; null where there is none, or one of another type.
template <class Self, class Base> auto* value_in(Base* base) {
  using Found = std::conditional_t<std::is_const_v<Base>, const Self, Self>;
  return base != nullptr && base->type() == TypeId::of<decltype(Found::value)>() ? &static_cast<Found*>(base)->value
                                                                                 : nullptr;
}

}  // namespace unroll::inline UNROLL_ABI::detail
