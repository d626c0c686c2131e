// The weights of a recurrent layer as a stream takes them, and how they are packed.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <utility>

#include <unroll/kernel/column_product.hpp>
#include <unroll/stream/layer.hpp>

namespace unroll::inline UNROLL_ABI {
namespace detail {
/// One by one: g++ 12 cannot value-initialize an array of spans in a constant expression.
template <class T, std::size_t... K> constexpr auto no_spans(std::index_sequence<K...>) {
  return std::array<std::span<const T>, sizeof...(K)>{(static_cast<void>(K), std::span<const T>())...};
}
}  // namespace detail

namespace stream {

/// Weights in the library's layout and order of gates, column by column: W (GX H, D), U (GU H, H), b (GX H), b_h (GU
/// H), parameters per unit (H, P), states to start from (H). Biases and states may be absent. Of a cell that projects U
/// is (GU H, R), the first state (R), and there is W_r (R, H).
template <class T, std::size_t S = 1> struct RecurrentData {
  std::span<const T> weight_ih, weight_hh, bias_ih{}, bias_hh{}, unit{};
  std::array<std::span<const T>, S> initial = detail::no_spans<T>(std::make_index_sequence<S>());
  std::span<const T> projection{};
};

}  // namespace stream
namespace detail {

/// What a cell has, in numbers.
struct RecurrentCounts {
  int GX, GU, P;
  bool projects = false;
};
template <class T, std::size_t S>
constexpr void require_sizes(const stream::RecurrentData<T, S>& data, RecurrentCounts n, Index D, Index H, Index R) {
  require_size("Recurrent", "weight_ih", data.weight_ih, n.GX * H * D);
  require_size("Recurrent", "weight_hh", data.weight_hh, n.GU * H * R);
  if (!data.bias_ih.empty()) require_size("Recurrent", "bias_ih", data.bias_ih, n.GX * H);
  if (!data.bias_hh.empty()) require_size("Recurrent", "bias_hh", data.bias_hh, n.GU * H);
  require_size("Recurrent", "weight_unit", data.unit, n.P * H);
  require_size("Recurrent", "weight_hr", data.projection, n.projects ? R * H : 0);
  for (std::size_t s = 0; s < S; ++s)
    if (!data.initial[s].empty()) require_size("Recurrent", "initial state", data.initial[s], s == 0 ? R : H);
}

/// `to` = gates first .. first + G of the `all` that `from` stacks.
template <int G, class T>
constexpr void pack_gates(const ColumnLayout<G>& layout, std::span<const T> from, int all, int first, T* to) {
  for (Index k = 0; k < layout.depth; ++k)
    for (int g = 0; g < G; ++g)
      for (Index row = 0; row < layout.rows; ++row)
        to[layout.at(row, g, k)] = from[static_cast<std::size_t>((k * all + first + g) * layout.rows + row)];
}
/// The same in whole numbers of 16 bits: each row in steps of a 32767th of its largest weight, which go to `scale`,
/// [gate][padded row].
template <int G, class T>
constexpr void pack_gates(const ColumnLayout<G>& layout, std::span<const T> from, int all, int first, std::int16_t* to,
                          T* scale) {
  for (int g = 0; g < G; ++g)
    for (Index row = 0; row < layout.rows; ++row) {
      const auto at = [&](Index k) {
        return from[static_cast<std::size_t>((k * all + first + g) * layout.rows + row)];
      };
      T largest = 0;
      for (Index k = 0; k < layout.depth; ++k) largest = (std::max)({largest, at(k), -at(k)});
      const T step = largest > 0 ? largest / 32767 : T(1);
      scale[g * layout.padded() + row] = step;
      for (Index k = 0; k < layout.depth; ++k) {
        const T steps = at(k) / step;
        to[layout.at(row, g, k)] = static_cast<std::int16_t>(steps + (steps < 0 ? T(-0.5) : T(0.5)));
      }
    }
}
/// Gates (or parameters, or states) of n units each, `padded` apart: to = a + b, either of which may be absent.
template <class T>
constexpr void pack_units(std::span<const T> a, std::span<const T> b, Index count, Index n, Index padded, T* to) {
  for (Index g = 0; g < count; ++g)
    for (Index k = 0; k < n; ++k) {
      const auto at = static_cast<std::size_t>(g * n + k);
      to[g * padded + k] = (a.empty() ? T(0) : a[at]) + (b.empty() ? T(0) : b[at]);
    }
}

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI
