// The product of weights with one column, for streams: where the weights lie, and the loop over them.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <unroll/core/config.hpp>
#include <unroll/kernel/level.hpp>
#include <unroll/kernel/load.hpp>
#include <unroll/kernel/simd.hpp>

UNROLL_KERNEL_BEGIN
namespace unroll::inline UNROLL_ABI {
namespace detail {

/// Rows (units, outputs) lie in blocks of this many, as the widest level has floats. Where there are no vectors a block
/// is one row and nothing is wasted.
inline constexpr Index widest_block = widest_vector<float>();
constexpr Index block_for(Index rows) {
  Index block = widest_block;
  while (block > 4 && block / 2 >= rows) block /= 2;
  return block;
}

/// The level's vector, but no wider than a block.
template <class Isa, class T, Index Block>
using VectorInBlock = std::conditional_t<(Block < Isa::template width<T>), Simd<T, static_cast<int>(Block)>,
                                         typename Isa::template Vector<T>>;

/// Columns of n values are kept this far apart, so that whole vectors may be read and written.
constexpr Index stride_for(Index n) { return (n + block_for(n) - 1) / block_for(n) * block_for(n); }

/// Packed weights of G matrices (rows, depth), one a gate: [group][k][block][gate][row of the block], with as many
/// blocks in a group as one sweep sums in registers. Rows that do not exist are 0.
template <int G> struct ColumnLayout {
  Index rows, depth, block;

  constexpr Index blocks() const { return (rows + block - 1) / block; }
  constexpr Index padded() const { return blocks() * block; }
  constexpr Index size() const { return padded() * G * depth; }
  /// Weights that would fill the first-level cache are swept block by block, forth and back: what a step read last is
  /// what the next step reads first.
  constexpr Index blocks_in_group() const { return size() > 10'000 ? 1 : G <= 4 ? 4 : 2; }
  /// Blocks of the group that begins with block `first`.
  constexpr Index group(Index first) const { return (std::min)(blocks_in_group(), blocks() - first); }
  /// Where the group's weights begin, and how far its k are apart.
  constexpr Index begin(Index first) const { return first * block * G * depth; }
  constexpr Index stride(Index first) const { return group(first) * block * G; }
  /// Of a row of the group within one k.
  constexpr Index within(Index row) const { return row / block * block * G + row % block; }
  constexpr Index at(Index row, int gate, Index k) const {
    const Index first = row / block / blocks_in_group() * blocks_in_group();
    return begin(first) + k * stride(first) + within(row - first * block) + gate * block;
  }
};

/// Vectors of rows that are summed at once, and partial sums of each: a sum waits for its last addition, so that a tile
/// needs about ten of them under way, and they must fit in the registers.
template <class Isa, int G> struct ColumnTiling {
  static constexpr int room = Isa::registers >= 32 ? 24 : 12;
  static constexpr int vectors = std::clamp(room / (std::max)(G, 1), 1, 4);
  static constexpr int parts(int n) {
    const int sums = n * (std::max)(G, 1);
    return sums * 4 <= room && sums < 8 ? 4 : sums * 2 <= room && sums <= 12 ? 2 : 1;
  }
};

/// n values that the compiler keeps in registers: zeroed one by one, because a loop over them would be one in memory.
template <class V, int n> using Registers = std::array<V, static_cast<std::size_t>(n)>;
template <class V, std::size_t... K> UNROLL_INLINE auto zeros_of(std::index_sequence<K...>) {
  return std::array<V, sizeof...(K)>{(static_cast<void>(K), V())...};
}
template <class V, int n> UNROLL_INLINE Registers<V, n> zeros() { return zeros_of<V>(std::make_index_sequence<n>()); }

/// `Stored`: what the weights are kept as, the operand that is read from memory; they are summed in V.
template <class V, int Vectors, int G, class Stored>
UNROLL_INLINE void add_column(Registers<V, Vectors * G>& sum, const Stored* weights, const Index* at, Index block,
                              const V& x) {
  UNROLL_UNROLL
  for (int v = 0; v < Vectors; ++v) {
    UNROLL_UNROLL
    for (int g = 0; g < G; ++g) {
      auto& s = sum[static_cast<std::size_t>(v * G + g)];
      s = fma(load_as<V>(weights + at[v] + g * block), x, s);
    }
  }
}

/// sum[v G + g] += row `first` + v W, .. of gate g times x. `weights` are the group's, `first` counts from its first
/// row.
template <class V, int Vectors, int G, int Parts, class Stored>
UNROLL_INLINE void multiply_column(Registers<V, Vectors * G>& sum, const Stored* weights, const ColumnLayout<G>& layout,
                                   Index stride, Index first, const typename V::Scalar* x, Index depth) {
  constexpr int n = Vectors * G;
  Index at[Vectors];
  UNROLL_UNROLL
  for (int v = 0; v < Vectors; ++v) at[v] = layout.within(first + v * V::width);
  auto second = zeros<V, Parts >= 2 ? n : 0>();
  auto third = zeros<V, Parts >= 4 ? n : 0>(), fourth = zeros<V, Parts >= 4 ? n : 0>();
  Index k = 0;
  for (; k + Parts <= depth; k += Parts, weights += Parts * stride) {
    add_column<V, Vectors, G>(sum, weights, at, layout.block, V::fill(x + k));
    if constexpr (Parts >= 2) add_column<V, Vectors, G>(second, weights + stride, at, layout.block, V::fill(x + k + 1));
    if constexpr (Parts >= 4) {
      add_column<V, Vectors, G>(third, weights + 2 * stride, at, layout.block, V::fill(x + k + 2));
      add_column<V, Vectors, G>(fourth, weights + 3 * stride, at, layout.block, V::fill(x + k + 3));
    }
  }
  // Counted so because g++ without its optimizer takes `k < depth` for a loop without end, and warns.
  for (Index left = depth % Parts; left > 0; --left, ++k, weights += stride)
    add_column<V, Vectors, G>(sum, weights, at, layout.block, V::fill(x + k));
  UNROLL_UNROLL
  for (std::size_t i = 0; i < std::size_t(n); ++i) {
    if constexpr (Parts == 4)
      sum[i] = (sum[i] + second[i]) + (third[i] + fourth[i]);
    else if constexpr (Parts == 2)
      sum[i] += second[i];
  }
}

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI
UNROLL_KERNEL_END
