// How a cell in stages is run: which operations are done in which pass over the units, and which values are kept
// between passes, and for backward.
//
// Backward goes through the passes from the last to the first. A pass is followed by the gradients of the norms and the
// products that it reads; each contribution to a value's gradient has its time, so that the first one assigns.
#pragma once

#include <array>
#include <cstddef>

#include <unroll/cell/derived/operations.hpp>

namespace unroll::inline UNROLL_ABI {
namespace detail {

/// Products with one vector: neighboring gates.
struct ProductGroup {
  int first = 0, gates = 0, pass = 0;
  std::size_t operand = 0;
  bool projects = false;  ///< U.project(v): no gate's
};
/// A norm: which operations it is, and the pass that begins when it is known.
struct NormGroup {
  int count = 0, pass = 0;
  std::array<std::size_t, 16> members{}, sources{};
};

/// Of N operations.
template <std::size_t N> struct StagePlan {
  static constexpr int never = 1 << 20;
  std::array<bool, N> used{}, live{}, again{};
  std::array<int, N> pass{};      ///< in which forward computes it; -1: it is given, or is not used
  std::array<int, N> output{};    ///< the state field that it is, or -1
  std::array<int, N> slot{};      ///< where forward keeps it (H, n), or -1
  std::array<bool, N> crosses{};  ///< later passes of forward, or products and norms, read it
  std::array<bool, N> saved{};    ///< backward reads it there
  std::array<int, N> d_slot{};    ///< where its gradient is added up, or -1: where it belongs
  std::array<int, N> first{};     ///< the time of the first contribution to its gradient; never
  std::array<ProductGroup, 17> groups{};
  std::array<NormGroup, 16> norms{};
  int passes = 0, slot_count = 0, d_slots = 0, group_count = 0, norm_count = 0;
  bool same_ports = false, is_sound = true;
  bool du_in_slots = false;  ///< the gradients of all products take the places of the products, slots 0 to GU

  constexpr int time(int of_pass) const { return (passes - 1 - of_pass) * 64; }
  constexpr int norm_time(int norm) const { return time(norms[static_cast<std::size_t>(norm)].pass) + 1 + norm; }
  constexpr int product_time(int group) const {
    return time(groups[static_cast<std::size_t>(group)].pass) + 32 + group;
  }
  /// How many products of gates a pass begins with, of those before group `end`.
  constexpr int products_in(int of_pass, int end = 1 << 20) const {
    int n = 0;
    for (int g = 0; g < group_count && g < end; ++g)
      if (groups[static_cast<std::size_t>(g)].pass == of_pass && !groups[static_cast<std::size_t>(g)].projects)
        n += groups[static_cast<std::size_t>(g)].gates;
    return n;
  }
};

constexpr bool is_given(Op op) { return op == Op::input || op == Op::number; }
constexpr bool is_function(Op op) { return op >= Op::exponential && op <= Op::logistic; }
constexpr bool spans_units(Op op) { return op == Op::product || op == Op::normalize; }

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI
