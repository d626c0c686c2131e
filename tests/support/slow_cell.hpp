// A cell that the library does not have, with a name in files, and the library's list with it.
#pragma once

#include <string_view>

#include <unroll/cell/derived.hpp>
#include <unroll/network/library_kinds.hpp>

template <class T = float> struct Slow : unroll::CellSize<T> {
  using unroll::CellSize<T>::CellSize;
  static constexpr int GX = 1, GU = 1, S = 1;
  static constexpr std::string_view name = "Slow", kind = "slow";
  static constexpr void forward(const auto& x, const auto& u, const auto& prev, auto& next) {
    next[0] = 0.5f * (prev[0] + tanh(x[0] + u[0]));
  }
};
using SlowKinds = unroll::Kinds<unroll::LibraryKinds, unroll::RecurrentKind<unroll::Derived<Slow<>>>>;
