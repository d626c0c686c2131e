// Batches as layers see them: packed values or packed token ids.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <unroll/core/error.hpp>
#include <unroll/core/matrix.hpp>
#include <unroll/core/packing.hpp>

namespace unroll::inline UNROLL_ABI {

/// No state, no gradient, no output: what stands where there is nothing.
struct Nothing {};

/// Which columns of a sequence are equal because they are vectors of the same word: column n is that of token ids[n],
/// below `vocabulary`. Empty where nobody knows. It belongs to the sequence in which it was written: a copy of the
/// sequence, which may be given other values, has none. Whoever changes the values in place clears the ids.
class ColumnWords {
 public:
  std::vector<std::int32_t> ids;
  Index vocabulary = 0;
  std::uint64_t embedding = 0;  ///< whose vectors: the Context::layer of the embedding

  ColumnWords() = default;
  ColumnWords(const ColumnWords&) noexcept {}
  ColumnWords& operator=(const ColumnWords&) noexcept {
    ids.clear();
    return *this;
  }
  /// Throws for an id that is not below `vocabulary`.
  void check() const {
    for (std::size_t n = 0; n < ids.size(); ++n)
      require(ids[n] >= 0 && ids[n] < vocabulary, "PackedSequence::words: id ", ids[n], " of column ", n,
              ", expected 0 to ", vocabulary - 1);
  }
};

/// Sequences of vectors: values (D, N), column n being one sample at one time.
template <class T = float> struct PackedSequence {
  Matrix<T> values;
  Packing packing;
  ColumnWords words = {};  ///< an Embedding writes it, and the product of a recurrent layer reads it
};

/// Sequences of token ids (N).
struct TokenBatch {
  std::vector<std::int32_t> ids;
  Packing packing;
};

/// Throws unless a batch has a column for each step of its packing: all that a layer asks which looks at no sequence.
template <class T> void check_columns(std::string_view, const Matrix<T>&) {}
template <class T> void check_columns(std::string_view who, const PackedSequence<T>& x) {
  x.packing.require_total(who, x.values.cols(), "columns");
}
inline void check_columns(std::string_view who, const TokenBatch& x) {
  x.packing.require_total(who, static_cast<Index>(x.ids.size()), "ids");
}
/// Throws unless all parts of a batch belong together: asked where its sequences are run through. O(B + T + N).
template <class Batch> void check_batch(std::string_view who, const Batch& x) {
  if constexpr (requires { x.packing; }) x.packing.check(who);
  check_columns(who, x);
}

namespace detail {
/// What has one column per sequence fits a packing, whose rows are columns of it.
template <class T> void require_sequences(const Packing& p, const Matrix<T>& of, const Matrix<T>& to) {
  require(of.cols() == p.batch() && &of != &to, "sort_sequences: ", of.cols(), " columns for a packing of ", p.batch(),
          " sequences, expected as many, and another matrix for the result");
  for (Index j = 0; j < p.batch(); ++j)
    require(p.row(j) >= 0 && p.row(j) < p.batch(), "sort_sequences: the packing names sequence ", p.row(j),
            ", expected 0 to ", p.batch() - 1);
}
/// The sorted position of each of the user's rows: what `Packing::row` is the way back from.
inline void sorted_positions(const Packing& p, std::vector<Index>& of_row) {
  of_row.resize(static_cast<std::size_t>(p.batch()));
  for (Index j = 0; j < p.batch(); ++j) of_row[static_cast<std::size_t>(p.row(j))] = j;
}
}  // namespace detail

/// One column for each sequence, from the user's order to the one in which they are packed, and back.
template <class T> void sort_sequences(const Packing& p, const Matrix<T>& user, Matrix<T>& sorted) {
  detail::require_sequences(p, user, sorted);
  sorted.resize(user.rows(), p.batch());
  for (Index j = 0; j < p.batch(); ++j) sorted.col(j) = user.col(p.row(j));
}
template <class T> void unsort_sequences(const Packing& p, const Matrix<T>& sorted, Matrix<T>& user) {
  detail::require_sequences(p, sorted, user);
  user.resize(sorted.rows(), p.batch());
  for (Index j = 0; j < p.batch(); ++j) user.col(p.row(j)) = sorted.col(j);
}

}  // namespace unroll::inline UNROLL_ABI
