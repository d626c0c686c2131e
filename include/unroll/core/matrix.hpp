// The library's one array: an Eigen expression over memory that is kept.
#pragma once

#include <cstddef>
#include <cstring>
#include <new>
#include <type_traits>
#include <utility>

#include <Eigen/Core>

#include <unroll/core/config.hpp>

namespace unroll::inline UNROLL_ABI {

static_assert(std::is_same_v<Index, Eigen::Index>, "unroll: EIGEN_DEFAULT_DENSE_INDEX_TYPE is for the command line");

namespace detail {
/// rows * cols. Throws where that is no size, or more elements than memory can hold.
UNROLL_API Index elements_of_matrix(Index rows, Index cols, std::size_t bytes_of_element);
/// 64-byte aligned, rounded up to whole cache lines: an aligned vector that starts inside may be read to its end.
UNROLL_API void* allocate_matrix(std::size_t bytes);
UNROLL_API void release_matrix(void* storage) noexcept;
}  // namespace detail

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
    const Index size = detail::elements_of_matrix(rows, cols, sizeof(T));
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
  static T* allocate(Index size) {
    return static_cast<T*>(detail::allocate_matrix(static_cast<std::size_t>(size) * sizeof(T)));
  }
  static void release(T* storage) {
    if (storage != nullptr) detail::release_matrix(storage);
  }
  // Eigen's own way to point a Map elsewhere (documentation of Eigen::Map, "changing the mapped array").
  void reseat(Index rows, Index cols) { ::new (static_cast<void*>(static_cast<Map*>(this))) Map(storage_, rows, cols); }

  T* storage_ = nullptr;
  Index capacity_ = 0;
};

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/core/matrix.ipp>
#endif
