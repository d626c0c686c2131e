// Token ids to vectors, in a stream of text.
#pragma once

#include <algorithm>

#include <unroll/stream/layer.hpp>

namespace unroll::inline UNROLL_ABI {
namespace stream {

/// y = column `id` of a (D, V) table. The table is not copied: it stays where it is, in the trained model or in a
/// constexpr array, and must live as long. An id outside it gives zeros.
template <Index D, class T = float> class Embedding {
 public:
  using Scalar = T;
  using Input = std::int32_t;
  using State = Empty;
  static constexpr Index inputs = 1;
  template <Index> static constexpr Index outputs = D;

  constexpr Embedding() = default;
  constexpr explicit Embedding(std::span<const T> table) { set(table); }
  constexpr void set(std::span<const T> table) {
    if (table.empty() || static_cast<Index>(table.size()) % D != 0)
      fail("stream::Embedding: table has ", table.size(), " elements, expected a multiple of ", D);
    table_ = table;
  }
  /// From a trained unroll::Embedding, which must stay.
  template <class Layer> void assign(const Layer& layer) {
    constexpr bool is_embedding = requires {
      layer.weight;
      layer.options.padding;
    };
    static_assert(is_embedding, "unroll::stream::Embedding: the trained layer in its place is not an Embedding.");
    if constexpr (is_embedding) {
      require(layer.weight.rows() == D, "stream::Embedding: the trained layer gives ", layer.weight.rows(),
              " features, expected ", D);
      set(detail::span_of(layer.weight));
    }
  }
  /// V.
  constexpr Index tokens() const { return static_cast<Index>(table_.size()) / D; }

  constexpr State initial_state() const { return {}; }
  template <class Isa, Index> UNROLL_INLINE void run(State&, const Input* x, Index x_stride, T* y, Index n) const {
    for (Index t = 0; t < n; ++t, x += x_stride, y += detail::stride_for(D))
      if (*x >= 0 && *x < tokens())
        std::copy_n(table_.data() + *x * D, D, y);
      else
        std::fill_n(y, D, T(0));
  }

 private:
  std::span<const T> table_{};
};

}  // namespace stream
}  // namespace unroll::inline UNROLL_ABI
