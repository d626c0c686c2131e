// The input side of a recurrent layer, for some packed columns at a time: A = W (m * x) + b and its backward.
#pragma once

#include <utility>

#include <unroll/cell/cell.hpp>
#include <unroll/core/context.hpp>
#include <unroll/kernel/matmul.hpp>
#include <unroll/layer/recurrent/distinct_words.hpp>
#include <unroll/layer/recurrent/word_tables.hpp>

namespace unroll::inline UNROLL_ABI {

/// m.col(k) *= the mask of the sequence that packed column columns.first + k belongs to; mask (rows, B), sorted.
template <class M, class T> void scale_columns(const Packing& p, const Matrix<T>& mask, const Columns& columns, M&& m) {
  const Index end = columns.first + columns.n;
  Index t = std::upper_bound(p.offsets.begin(), p.offsets.end(), columns.first) - p.offsets.begin() - 1;
  for (Index at = columns.first; at < end; ++t) {
    const Index n = (std::min)(end, p.offset(t + 1)) - at;
    m.middleCols(at - columns.first, n).array() *= mask.middleCols(at - p.offset(t), n).array();
    at += n;
  }
}

/// One product, or one per gate where every gate has a mask of its own. Where columns of x are the words of a text,
/// each distinct word is multiplied once. Belongs to a cache.
template <class T> struct InputProjection {
  RecurrentMask<T> mask;  ///< input dropout (D, B)
  struct Scratch {
    Matrix<T> masked;  ///< (D, n)
    MatmulScratch<T> product;
  };

  int groups() const { return (std::max)(mask.count, 1); }

  /// Once before a pass; the masks have been drawn. `same_weights`: W is that of the last pass.
  void prepare(const Context& context, const Matrix<T>& W, const Matrix<T>& bias, const PackedSequence<T>& x,
               Scratch& scratch, bool same_weights) {
    repeated_ = false;
    made_ = nullptr;
    written_ = nullptr;
    const ColumnWords& words = x.words;
    require(words.ids.empty() || x.values.cols() == static_cast<Index>(words.ids.size()),
            "PackedSequence::words: ", words.ids.size(), " ids for ", x.values.cols(), " columns");
    if (WordTables<T>* const tables = WordTables<T>::of(context); tables != nullptr && !words.ids.empty()) {
      words.check();
      if (tables->is_open())
        written_ = tables->make(context.layer, W.rows(), words);
      else
        made_ = tables->find(context.layer, W.rows(), words);
    }
    if (!same_weights) is_packed_ = false;
    if (made_ != nullptr) return;
    if (!std::exchange(is_packed_, true)) pack(W, Transpose::no, weights_);
    if (mask.count > 0 || written_ != nullptr || static_cast<Index>(words.ids.size()) < DistinctWords::least) return;
    // Room for as many as there may be in a batch that is no larger; memory that is not touched costs nothing.
    scratch.masked.resize(x.values.rows(), x.values.cols());
    table_.resize(W.rows(), x.values.cols());
    repeated_ = distinct_.find(words);
    if (!repeated_) return;
    for (Index k = 0; k < distinct_.count(); ++k) scratch.masked.col(k) = x.values.col(distinct_.first(k));
    matmul(table_.leftCols(distinct_.count()), weights_[0], scratch.masked.leftCols(distinct_.count()), Transpose::no,
           Accumulate::no, scratch.product, bias.size() > 0 ? bias.data() : nullptr);
  }
  void prepare_backward(const Matrix<T>& W) { pack(W, Transpose::yes, transposed_); }

  /// to (G H, n) = W (m * x) + b.
  template <class To>
  void forward(const PackedSequence<T>& x, const Columns& columns, const Matrix<T>& bias, To&& to,
               Scratch& scratch) const {
    const auto word = [&](Index j) { return x.words.ids[static_cast<std::size_t>(columns.first + j)]; };
    if (made_ != nullptr) {
      for (Index j = 0; j < columns.n; ++j) to.col(j) = made_->products.col(word(j));
      return;
    }
    if (repeated_) {
      for (Index j = 0; j < columns.n; ++j) to.col(j) = table_.col(distinct_.which(columns.first + j));
      return;
    }
    const Index rows = to.rows() / groups();
    for (int g = 0; g < groups(); ++g)
      with_masked(x, g, columns, scratch, [&](const auto& input) {
        matmul(to.middleRows(g * rows, rows), weights_[std::size_t(g)], input, Transpose::no, Accumulate::no,
               scratch.product, bias.size() > 0 ? bias.data() + g * rows : nullptr);
      });
    if (written_ != nullptr)
      for (Index j = 0; j < columns.n; ++j) {
        written_->products.col(word(j)) = to.col(j);
        written_->is_there[static_cast<std::size_t>(word(j))] = 1;
      }
  }
  /// dx = m * W^T dA.
  template <class Da>
  void backward(const Packing& p, const Columns& columns, const Da& da, Matrix<T>& dx, Scratch& scratch) const {
    const Index rows = da.rows() / groups();
    auto to = dx.middleCols(columns.first, columns.n);
    if (mask.count <= 1) {
      matmul(to, transposed_[0], da, Transpose::no, Accumulate::no, scratch.product);
      if (mask.count == 1) scale_columns(p, *mask.gate(0), columns, to);
      return;
    }
    to.setZero();
    for (int g = 0; g < groups(); ++g) {
      scratch.masked.resize(dx.rows(), columns.n);
      matmul(scratch.masked, transposed_[std::size_t(g)], da.middleRows(g * rows, rows), Transpose::no, Accumulate::no,
             scratch.product);
      scale_columns(p, *mask.gate(g), columns, scratch.masked);
      to += scratch.masked;
    }
  }
  /// dW += dA (m * x)^T; `packed` is dA once more, or null.
  template <class Da>
  void accumulate(const PackedSequence<T>& x, const Columns& columns, const Da& da, const PackedMatrix<T>* packed,
                  Matrix<T>& dW, Blocks order, Scratch& scratch) const {
    if (packed != nullptr && mask.count <= 1)
      return with_masked(x, 0, columns, scratch, [&](const auto& input) {
        matmul(dW, *packed, input, Transpose::yes, Accumulate::yes, scratch.product);
      });
    const Index rows = da.rows() / groups();
    for (int g = 0; g < groups(); ++g)
      with_masked(x, g, columns, scratch, [&](const auto& input) {
        matmul(dW.middleRows(g * rows, rows), da.middleRows(g * rows, rows), Transpose::no, input, Transpose::yes,
               Accumulate::yes, scratch.product, order);
      });
  }

 private:
  std::vector<PackedMatrix<T>> weights_, transposed_;
  DistinctWords distinct_;
  Matrix<T> table_;  ///< (G H, distinct) W x + b
  const WordTable<T>* made_ = nullptr;
  WordTable<T>* written_ = nullptr;
  bool repeated_ = false;
  bool is_packed_ = false;  ///< weights_ are W's

  void pack(const Matrix<T>& W, Transpose t, std::vector<PackedMatrix<T>>& to) const {
    if (to.size() < std::size_t(groups())) to.resize(std::size_t(groups()));
    const Index rows = W.rows() / groups();
    for (int g = 0; g < groups(); ++g) to[std::size_t(g)].pack(view(W).middle_rows(g * rows, rows), t);
  }
  template <class F>
  void with_masked(const PackedSequence<T>& x, int g, const Columns& columns, Scratch& scratch, const F& f) const {
    const auto input = x.values.middleCols(columns.first, columns.n);
    if (mask.count == 0) return f(input);
    scratch.masked = input;
    scale_columns(x.packing, *mask.gate(g), columns, scratch.masked);
    f(scratch.masked);
  }
};

}  // namespace unroll::inline UNROLL_ABI
