// Which type a void* points to, without run-time type information.
#pragma once

#include <string_view>

#include <unroll/core/config.hpp>

namespace unroll::inline UNROLL_ABI {

class TypeId {
 public:
  template <class X> static TypeId of() { return TypeId(&place_of<X>, spelled<X>()); }

  /// Shared objects may each have a place for a type; then its name tells, unless a file has the name for itself.
  friend bool operator==(const TypeId& a, const TypeId& b) {
    return a.place_ == b.place_ || (a.name_ == b.name_ && a.name_.find("anonymous") == std::string_view::npos);
  }

 private:
  TypeId(const void* place, std::string_view name) : place_(place), name_(name) {}
  template <class X> static constexpr char place_of{};
  template <class X> static std::string_view spelled() {
#if defined(__GNUC__)
    return __PRETTY_FUNCTION__;
#else
    return __FUNCSIG__;
#endif
  }

  const void* place_;
  std::string_view name_;
};

}  // namespace unroll::inline UNROLL_ABI
