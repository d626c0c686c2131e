// A function that somebody else owns, without its type.
#pragma once

#include <concepts>

#include <unroll/core/config.hpp>

namespace unroll::inline UNROLL_ABI {

/// Calls what it was made from, which must outlive it: for arguments of functions. What takes one is compiled once, not
/// for every lambda again.
template <class... Args> class FunctionRef {
 public:
  template <class F> requires(!std::same_as<F, FunctionRef>)
  FunctionRef(const F& f)
      : f_(&f), call_([](const void* of, Args... args) { (*static_cast<const F*>(of))(args...); }) {}

  void operator()(Args... args) const { call_(f_, args...); }

 private:
  const void* f_;
  void (*call_)(const void*, Args...);
};

}  // namespace unroll::inline UNROLL_ABI
