// The softmax over the classes of W h + b in blocks of rows of W, without all logits at once.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <unroll/kernel/matmul.hpp>
#include <unroll/kernel/softmax.hpp>
#include <unroll/loss/loss.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {

/// Logits to probabilities, column by column.
template <class T> void softmax_columns(Matrix<T>& x) {
  for (Index n = 0; n < x.cols(); ++n) {
    x.col(n).array() = (x.col(n).array() - x.col(n).maxCoeff()).exp();
    x.col(n) /= x.col(n).sum();
  }
}

/// It goes through 256 columns of h at a time, in blocks of 512 rows of W. The exponentials of a block are taken
/// relative to its own largest logit, while it is in cache, and kept; when all blocks are known they become the
/// gradient: no logit is computed twice.
///
/// `decide` and `probabilities` go through all columns. A loss does it itself: for each block `logits`, `find_labels`
/// and `exponentiate`; for each column `sums_of`, and `set_scale` of what its gradient is; for each block again
/// `to_gradient`, after which its place holds the gradient of the logits, and the two `_backward`.
template <class T> class BlockwiseSoftmax {
 public:
  static constexpr Index rows_at_once = 512;             // with as many columns: 512 KB of floats
  static constexpr Index columns_at_once = depth_block;  // a block of the sum that a gradient of W is

  struct Scratch {
    Matrix<T> exponentials;              // a block after the other, each (rows_at_once, columns_at_once)
    Matrix<T> largest, sum, sum_of_x;    // of each block and column: (columns_at_once, blocks)
    Matrix<T> factor, shift;             // (columns_at_once)
    Matrix<double> of_label;             // (columns_at_once)
    std::vector<std::uint8_t> is_first;  // no earlier row of the label's block has a logit as large
    MatmulScratch<T> product;
    std::vector<PackedMatrix<T>> packed;  // W, block by block, where it was packed
  };
  struct Block {
    Index number, first, rows;
  };
  /// Of a column, over all blocks.
  struct Sums {
    double largest;
    double partition;  ///< sum of exp(x - largest)
    double of_x;
  };

  /// `weight` is (V, D), or transposed (D, V); `bias` has V elements, or is null. With `keep_all` there is room for the
  /// exponentials of all blocks, else for those of one.
  BlockwiseSoftmax(View<const T> weight, Transpose transpose, const T* bias, bool keep_all, Scratch& s)
      : weight_(weight),
        transpose_(transpose),
        bias_(bias),
        classes_(transpose == Transpose::yes ? weight.cols : weight.rows),
        keep_all_(keep_all),
        s_(s) {}

  Index blocks() const { return (classes_ + rows_at_once - 1) / rows_at_once; }
  Block block(Index b) const { return {b, b * rows_at_once, (std::min)(rows_at_once, classes_ - b * rows_at_once)}; }

  void reserve() const {
    const Index kept = keep_all_ ? blocks() : 1;
    if (s_.exponentials.capacity() < kept * rows_at_once * columns_at_once)
      s_.exponentials.resize(rows_at_once * columns_at_once, kept);
    for (Matrix<T>* of : {&s_.largest, &s_.sum, &s_.sum_of_x}) of->resize(columns_at_once, blocks());
    for (Matrix<T>* of : {&s_.factor, &s_.shift}) of->resize(columns_at_once, 1);
    s_.of_label.resize(columns_at_once, 1);
    s_.is_first.resize(static_cast<std::size_t>(columns_at_once));
  }
  /// Where the logits of a block go, and become what follows from them.
  View<T> room(const Block& b, Index columns) const {
    return {s_.exponentials.data() + (keep_all_ ? b.number : 0) * rows_at_once * columns_at_once, b.rows, columns,
            b.rows};
  }

  /// x = W h + b
  void logits(const Block& b, View<const T> h, View<T> x) const {
    multiply_views<T>(x, weight_of(b), transpose_, h, Transpose::no, Accumulate::no, s_.product, Blocks::ascending,
                      bias_ != nullptr ? bias_ + b.first : nullptr);
  }
  /// dh = W^T d for the first block, and the others add theirs.
  void logits_backward(const Block& b, View<const T> d, View<T> dh) const {
    multiply_views<T>(dh, weight_of(b), transpose_ == Transpose::yes ? Transpose::no : Transpose::yes, d, Transpose::no,
                      b.number > 0 ? Accumulate::yes : Accumulate::no, s_.product, Blocks::ascending, nullptr);
  }
  /// dW += d h^T
  void weight_backward(const Block& b, View<const T> d, View<const T> h, View<T> dW) const {
    if (transpose_ == Transpose::yes)
      multiply_views<T>(dW.middle_cols(b.first, b.rows), h, Transpose::no, d, Transpose::yes, Accumulate::yes,
                        s_.product, Blocks::ascending, nullptr);
    else
      multiply_views<T>(dW.middle_rows(b.first, b.rows), d, Transpose::no, h, Transpose::yes, Accumulate::yes,
                        s_.product, Blocks::ascending, nullptr);
  }

  /// Takes down the logits of the labels that are in this block; column 0 of x has label `first`.
  void find_labels(const Block& b, View<const T> x, Labels labels, Index first) const {
    for (Index n = 0; n < x.cols; ++n) {
      const Index at = labels[first + n] - b.first;
      if (at < 0 || at >= x.rows) continue;
      const T* const column = x.data + n * x.stride;
      s_.of_label(n, 0) = double(column[at]);
      s_.is_first[static_cast<std::size_t>(n)] =
          std::any_of(column, column + at, [&](T earlier) { return earlier >= column[at]; }) ? 0 : 1;
    }
  }
  /// x = exp(x - largest x) in every column, whose largest and sums are taken down.
  void exponentiate(const Block& b, View<T> x) const { run_columns(b, x, s_.sum.data()); }

  Sums sums_of(Index n) const {
    const auto largest = s_.largest.row(n);
    Sums sums{double(largest.maxCoeff()), 0, 0};
    for (Index b = 0; b < blocks(); ++b) {
      sums.partition += double(s_.sum(n, b)) * std::exp(double(largest[b]) - sums.largest);
      sums.of_x += double(s_.sum_of_x(n, b));
    }
    return sums;
  }
  double of_label(Index n) const { return s_.of_label(n, 0); }
  /// Is the label's logit the largest of its column, and the first of equals?
  bool decides_for(Index label, Index n, const Sums& sums) const {
    const Index its_block = label / rows_at_once;
    bool right = of_label(n) >= sums.largest && s_.is_first[static_cast<std::size_t>(n)] != 0;
    for (Index b = 0; b < its_block; ++b) right = right && double(s_.largest(n, b)) < sums.largest;
    return right;
  }

  /// The gradient of column n is to be scale * (softmax - on_label [c == y] - on_all). From here on row b of `largest`
  /// is what the exponentials of block b are multiplied by.
  void set_scale(Index n, const Sums& sums, double scale, double on_label, double on_all) const {
    auto largest = s_.largest.row(n);
    for (Index b = 0; b < blocks(); ++b)
      largest[b] = static_cast<T>(scale * std::exp(double(largest[b]) - sums.largest) / sums.partition);
    s_.factor(n, 0) = static_cast<T>(scale * on_label);
    s_.shift(n, 0) = static_cast<T>(scale * on_all);
  }
  void to_gradient(const Block& b, View<T> d, Labels labels, Index first) const {
    parallel_ranges(d.cols, 16, [&](Index from, Index to) {
      dispatch<ScaleColumns>(d.middle_cols(from, to - from),
                             static_cast<const T*>(s_.largest.data() + b.number * columns_at_once + from),
                             static_cast<const T*>(s_.shift.data() + from));
    });
    for (Index n = 0; n < d.cols; ++n)
      if (const Index at = labels[first + n] - b.first; at >= 0 && at < d.rows)
        d.data[at + n * d.stride] -= s_.factor(n, 0);
  }

  /// The row with the largest logit, the first of equals, for each column of h.
  void decide(View<const T> h, std::vector<Index>& rows) const {
    reserve();
    rows.resize(static_cast<std::size_t>(h.cols));
    for (Index first = 0; first < h.cols; first += columns_at_once) {
      const Index columns = (std::min)(columns_at_once, h.cols - first);
      Matrix<T>& best = s_.factor;
      for (Index k = 0; k < blocks(); ++k) {
        const Block b = block(k);
        const View<T> x = room(b, columns);
        logits(b, h.middle_cols(first, columns), x);
        run_columns(b, x, nullptr);
        for (Index n = 0; n < columns; ++n) {
          const T largest = s_.largest(n, k), *column = x.data + n * x.stride;
          if (k > 0 && !(largest > best(n, 0))) continue;
          best(n, 0) = largest;
          const Index at = std::find(column, column + x.rows, largest) - column;
          rows[static_cast<std::size_t>(first + n)] = b.first + (at < x.rows ? at : 0);
        }
      }
    }
  }
  /// For `all_logits` of a few columns at a time, most of whose work would be to read W in its order.
  void pack() const {
    s_.packed.resize(static_cast<std::size_t>(blocks()));
    for (Index k = 0; k < blocks(); ++k) s_.packed[static_cast<std::size_t>(k)].pack(weight_of(block(k)), transpose_);
  }
  /// All of the logits, (V, n). The same bits where W is packed.
  Matrix<T> all_logits(View<const T> h) const {
    Matrix<T> x(classes_, h.cols);
    const auto rows = [&](const Block& b) { return view(x).middle_rows(b.first, b.rows); };
    const auto is_packed = [&](Index k) {
      const PackedMatrix<T>& of = s_.packed[static_cast<std::size_t>(k)];
      return of.rows() == block(k).rows && of.depth() == h.rows;
    };
    require(s_.packed.empty() || (std::ssize(s_.packed) == blocks() && is_packed(0) && is_packed(blocks() - 1)),
            "SoftmaxClassifier: the scratch has the packed weight of another one");
    if (s_.packed.empty())
      for (Index k = 0; k < blocks(); ++k) logits(block(k), h, rows(block(k)));
    else
      parallel_for(static_cast<int>(blocks()), [&](int k) {
        ProductScratch<T> none;
        product<T>(rows(block(k)), s_.packed[static_cast<std::size_t>(k)], h, Transpose::no, Accumulate::no, none,
                   bias_ != nullptr ? bias_ + block(k).first : nullptr);
      });
    return x;
  }

 private:
  View<const T> weight_;
  Transpose transpose_;
  const T* bias_;
  Index classes_;
  bool keep_all_;
  Scratch& s_;

  View<const T> weight_of(const Block& b) const {
    return transpose_ == Transpose::yes ? weight_.middle_cols(b.first, b.rows) : weight_.middle_rows(b.first, b.rows);
  }
  void run_columns(const Block& b, View<T> x, T* sum) const {
    parallel_ranges(x.cols, 16, [&](Index first, Index last) {
      const Index at = first + b.number * columns_at_once;
      dispatch<SoftmaxColumns>(SoftmaxBlock<T>{x.middle_cols(first, last - first), s_.largest.data() + at,
                                               sum != nullptr ? sum + at : nullptr, s_.sum_of_x.data() + at});
    });
  }
};

}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
