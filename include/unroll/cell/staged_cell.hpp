// A cell in stages: products in a row and norms over units between its equations, written once over a value.
#pragma once

#include <array>
#include <concepts>
#include <string_view>

#include <unroll/cell/pointwise_cell.hpp>

namespace unroll::inline UNROLL_ABI {

/// What a cell in stages derives from. It says GX, GU, S, P and name as a pointwise cell does, and one step:
///   static constexpr void forward(const auto& U, const auto& x, const auto& prev, auto& next)
/// or, where P > 0, forward(p, U, x, prev, next). Over a pointwise cell it may
///   U(g, v)          U_g v + b_hg, the product of gate g with any vector of values, of the state before or computed;
///                    each gate has one
///   normalize(a)     (a - mean) / sqrt(variance + 1e-5) over all units of a value, or of an array of values together
///   U.project(v)     W_r v, which is the next h then (`projects`)
/// The compiler reads it as `Derived` reads a `forward`, cuts it into passes over the units at each product and norm,
/// and derives its backward. It is refused at compile time that a gate has no product or two, that a product's vector
/// is an input x[g], and what Derived refuses.
template <class T = float> struct StagedCell : CellSize<T> {
  static constexpr bool in_stages = true;
  static constexpr bool projects = false;

  Index outputs;  ///< of h
  StagedCell(Index D, Index H) : CellSize<T>(D, H), outputs(H) {}
  StagedCell(Index D, Index H, Index R) : CellSize<T>(D, H), outputs(R) {
    detail::require_size("a cell", R, "outputs", 1);
  }
};

}  // namespace unroll::inline UNROLL_ABI
