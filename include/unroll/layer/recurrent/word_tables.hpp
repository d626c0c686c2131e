// Products of an embedding's words with the weights of the recurrent layers that read it, made before they are asked
// for.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <mutex>
#include <vector>

#include <unroll/core/context.hpp>
#include <unroll/core/packed_sequence.hpp>

namespace unroll::inline UNROLL_ABI {

/// W e_v + b (GX H, V) of every word v, for one layer.
template <class T> struct WordTable {
  Matrix<T> products;
  std::vector<char> is_there;   ///< (V)
  std::uint64_t embedding = 0;  ///< ColumnWords::embedding
};

/// For each layer that reads an embedding, by its Context::layer. While open, a forward pass writes the words that it
/// meets; afterwards any number of threads read.
template <class T> class WordTables final : public AnyWordTables {
 public:
  WordTables() : AnyWordTables(TypeId::of<T>()) {}

  /// Those of a context, if they are of this scalar type.
  static WordTables* of(const Context& context) {
    AnyWordTables* const any = context.word_tables;
    return any != nullptr && any->scalar == TypeId::of<T>() ? static_cast<WordTables*>(any) : nullptr;
  }

  bool is_open() const { return open_; }
  bool empty() const { return of_layer_.empty(); }
  /// V, the least of all tables: ids that every embedding has.
  Index words() const {
    Index least = 0;
    for (const auto& [layer, table] : of_layer_) {
      const Index V = table.products.cols();
      least = least == 0 ? V : (std::min)(least, V);
    }
    return least;
  }
  /// To be written; directions of a bidirectional layer may ask at once.
  WordTable<T>* make(std::uint64_t layer, Index rows, const ColumnWords& words) {
    const std::lock_guard lock(mutex_);
    WordTable<T>& table = of_layer_[layer];
    if (table.products.rows() != rows || table.products.cols() != words.vocabulary ||
        table.embedding != words.embedding)
      table = {Matrix<T>::Zero(rows, words.vocabulary), std::vector<char>(static_cast<std::size_t>(words.vocabulary)),
               words.embedding};
    return &table;
  }
  /// Null where there is none, or it is of other words.
  const WordTable<T>* find(std::uint64_t layer, Index rows, const ColumnWords& words) const {
    const auto at = of_layer_.find(layer);
    const bool fits = at != of_layer_.end() && at->second.products.rows() == rows &&
                      at->second.products.cols() == words.vocabulary && at->second.embedding == words.embedding;
    return fits ? &at->second : nullptr;
  }
  /// What lacks a word is no table.
  void close() {
    open_ = false;
    std::erase_if(of_layer_, [](const auto& each) {
      const std::vector<char>& is_there = each.second.is_there;
      return std::find(is_there.begin(), is_there.end(), 0) != is_there.end();
    });
  }

 private:
  std::map<std::uint64_t, WordTable<T>> of_layer_;
  std::mutex mutex_;
  bool open_ = true;
};

}  // namespace unroll::inline UNROLL_ABI
