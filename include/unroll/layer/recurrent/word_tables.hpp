// Products of an embedding's words with the weights of the recurrent layers that read it, made before they are asked
// for.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <mutex>

#include <unroll/core/matrix.hpp>

namespace unroll::inline UNROLL_ABI {

/// W e_v + b of every word v for each such layer. While `open`, a forward pass writes the words that it meets;
/// afterwards any number of threads read.
template <class T> class WordTables {
 public:
  bool open = true;

  bool empty() const { return of_layer_.empty(); }
  /// V, the largest of all tables.
  Index words() const {
    Index most = 0;
    for (const auto& [layer, table] : of_layer_) most = (std::max)(most, Index(table.cols()));
    return most;
  }
  /// (rows, V) of the layer with that Context::layer; directions of a bidirectional one may ask at once.
  Matrix<T>& make(std::uint64_t layer, Index rows, Index V) {
    const std::lock_guard lock(mutex_);
    Matrix<T>& table = of_layer_[layer];
    if (table.rows() != rows || table.cols() != V) table = Matrix<T>::Zero(rows, V);
    return table;
  }
  /// Null where there is none of that size.
  const Matrix<T>* find(std::uint64_t layer, Index rows, Index V) const {
    const auto at = of_layer_.find(layer);
    return at != of_layer_.end() && at->second.rows() == rows && at->second.cols() == V ? &at->second : nullptr;
  }

 private:
  std::map<std::uint64_t, Matrix<T>> of_layer_;
  std::mutex mutex_;
};

}  // namespace unroll::inline UNROLL_ABI
