// What a layer carries from one window of time to the next.
#pragma once

#include <concepts>
#include <cstddef>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

#include <unroll/core/packed_sequence.hpp>
#include <unroll/core/parameter.hpp>

namespace unroll::inline UNROLL_ABI {

/// Forward: the state to start from and where the final state goes. Backward, the other way: the gradient of the final
/// state, and where that of the initial state goes. Null: zeros, and not wanted. So truncated BPTT is
/// `forward(context, window, cache, {&state, &state})` for each window, and an encoder and decoder share their state.
template <class State> struct Carry {
  const State* in = nullptr;
  State* out = nullptr;
};

/// State of a layer without one.
template <class S> inline constexpr bool is_stateless = std::same_as<S, Nothing>;

/// Calls f(path, field...) for the matrices (rows, B) of a state and of others of its type.
template <class F, class S, class... Others> void visit_state(F&& f, S& state, Others&... others) {
  if constexpr (!is_stateless<std::remove_const_t<S>>) std::remove_const_t<S>::visit(f, Path{}, state, others...);
}
template <class F, class S, class... Others> requires(!std::is_lvalue_reference_v<S>)
void visit_state(F&&, S&&, Others&&...) {
  static_assert(std::is_lvalue_reference_v<S>, "unroll::visit_state: the state is a temporary: give it a variable.");
}
namespace detail {
/// `rows` are sequences of every field of a state.
template <class S> void require_rows(std::string_view who, const S& state, std::span<const Index> rows) {
  visit_state(
      [&](const Path& path, const auto& field) {
        for (const Index b : rows)
          if (b < 0 || b >= field.cols())
            fail(who, ": row ", b, " of ", path.str(), ", expected 0 to ", field.cols() - 1);
      },
      state);
}
}  // namespace detail
/// State fields of these sequences (the user's rows) back to zero: streams that end in mid-batch.
template <class S> void reset_state(S& state, std::span<const Index> rows) {
  detail::require_rows("reset_state", state, rows);
  visit_state(
      [&](const Path&, auto& field) {
        for (const Index b : rows) field.col(b).setZero();
      },
      state);
}
/// The states of these sequences, in this order.
template <class S> S select_state(const S& state, std::span<const Index> rows) {
  detail::require_rows("select_state", state, rows);
  S selected = state;
  visit_state(
      [&](const Path&, auto& to, const auto& from) {
        to.resize(from.rows(), static_cast<Index>(rows.size()));
        for (std::size_t k = 0; k < rows.size(); ++k) to.col(static_cast<Index>(k)) = from.col(rows[k]);
      },
      selected, state);
  return selected;
}

}  // namespace unroll::inline UNROLL_ABI
