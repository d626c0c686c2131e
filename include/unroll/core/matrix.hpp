// The library's one array: an Eigen expression over memory that is kept.
#pragma once

#include <cstddef>
#include <cstring>
#include <new>
#include <type_traits>
#include <utility>

#include <unroll/core/memory_limit.hpp>
#include <unroll/core/size.hpp>

namespace unroll::inline UNROLL_ABI {

/// A column-major matrix (rows, cols) that every Eigen expression accepts, with two differences from Eigen::MatrixX:
/// it has capacity (a batch no larger than an earlier one allocates nothing), and its memory is 64-byte aligned
/// whatever the compiler flags, so that files compiled differently may exchange it. Copies are deep.
template <class T = float> class Matrix : public Eigen::Map<Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>> {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  using Map = Eigen::Map<Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>>;

  Matrix() : Map(nullptr, 0, 0) {}
  /// Contents unspecified.
  Matrix(Index rows, Index cols) : Matrix() { resize(rows, cols); }
  Matrix(const Matrix& other) : Matrix() { *this = other; }
  Matrix(Matrix&& other) noexcept : Matrix() { swap(other); }
  template <class Derived>
  Matrix(const Eigen::EigenBase<Derived>& expression) : Matrix() {  // NOLINT: implicit, as in Eigen
    *this = expression;
  }
  ~Matrix() { release(storage_); }

  Matrix& operator=(const Matrix& other) {
    if (this == &other) return *this;
    resize(other.rows(), other.cols());
    if (this->size() > 0) std::memcpy(this->data(), other.data(), static_cast<std::size_t>(this->size()) * sizeof(T));
    return *this;
  }
  Matrix& operator=(Matrix&& other) noexcept {
    swap(other);
    return *this;
  }
  /// As in Eigen: resizes first, so the expression must not read *this unless the size stays.
  template <class Derived> Matrix& operator=(const Eigen::EigenBase<Derived>& expression) {
    resize(expression.rows(), expression.cols());
    Map::operator=(expression.derived());
    return *this;
  }

  /// Allocates only beyond the capacity. Contents are unspecified afterwards unless the size stays.
  void resize(Index rows, Index cols) {
    const Index size = detail::product_of_sizes(rows, cols);
    require(rows >= 0 && cols >= 0, "Matrix: ", rows, " x ", cols, ", expected sizes of at least 0");
    require(detail::product_of_sizes(size, sizeof(T)) >= 0, "Matrix: ", rows, " x ", cols,
            " elements are more than memory can hold");
    if (size > capacity_) {
      T* grown = allocate(size);
      release(storage_);
      storage_ = grown;
      capacity_ = size;
    }
    reseat(rows, cols);
  }
  /// Elements that fit without a new allocation.
  Index capacity() const { return capacity_; }

  void swap(Matrix& other) noexcept {
    const Index rows = this->rows(), cols = this->cols();
    std::swap(storage_, other.storage_);
    std::swap(capacity_, other.capacity_);
    reseat(other.rows(), other.cols());
    other.reseat(rows, cols);
  }

 private:
  static constexpr std::align_val_t alignment{64};
  static T* allocate(Index size) {
    // Rounded up to whole cache lines: a vector that starts inside may be read to its end.
    const std::size_t bytes = (static_cast<std::size_t>(size) * sizeof(T) + 63) / 64 * 64;
    detail::MemoryLimit::take(bytes);
    return static_cast<T*>(::operator new(bytes, alignment));
  }
  static void release(T* storage) {
    if (storage != nullptr) ::operator delete(storage, alignment);
  }
  // Eigen's own way to point a Map elsewhere (documentation of Eigen::Map, "changing the mapped array").
  void reseat(Index rows, Index cols) { ::new (static_cast<void*>(static_cast<Map*>(this))) Map(storage_, rows, cols); }

  T* storage_ = nullptr;
  Index capacity_ = 0;
};

}  // namespace unroll::inline UNROLL_ABI
