// Writing safetensors.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <unroll/core/matrix.hpp>
#include <unroll/file/dtype.hpp>

namespace unroll::inline UNROLL_ABI {

/// Collects tensors and metadata, then writes them in one go: the same calls give the same bytes. Tensors stand in the
/// order in which they were added, those of 8 bytes per element before those of 4 and 2, so that each is aligned.
///
/// `add` copies, so the file is of the moment of the calls. A floating-point number may be written as another
/// floating-point type, rounded to nearest, ties to even. Errors are std::invalid_argument, also for a number that is
/// too large for its type.
class SafeTensorsWriter {
 public:
  /// Stored row-major: element (i, j) is [i][j], of shape (rows, cols).
  template <class T> void add(std::string_view name, const Matrix<T>& m, Dtype dtype = dtype_of<T>) {
    const Index shape[] = {m.rows(), m.cols()};
    add_values(name, {m.data(), dtype_of<T>, m.rows(), m.cols()}, shape, dtype);
  }
  /// Stored as the transpose, of shape (cols, rows).
  template <class T> void add_transposed(std::string_view name, const Matrix<T>& m, Dtype dtype = dtype_of<T>) {
    const Index shape[] = {m.cols(), m.rows()};
    add_values(name, {m.data(), dtype_of<T>, m.rows(), m.cols(), true}, shape, dtype);
  }
  /// A vector of shape (n).
  template <class T> void add_vector(std::string_view name, std::span<const T> values, Dtype dtype = dtype_of<T>) {
    const Index shape[] = {static_cast<Index>(values.size())};
    add_array(name, values, shape, dtype);
  }
  /// Row-major values of any shape.
  template <class T>
  void add_array(std::string_view name, std::span<const T> values, std::span<const Index> shape,
                 Dtype dtype = dtype_of<T>) {
    add_values(name, {values.data(), dtype_of<T>, static_cast<Index>(values.size()), 1}, shape, dtype);
  }
  /// Text that travels with the tensors. Both must be UTF-8: JSON knows nothing else.
  UNROLL_API void set_metadata(std::string_view key, std::string_view value);

  /// The whole file: see `replace_file` for what happens to an old one and on errors.
  UNROLL_API void save(const std::filesystem::path& path) const;
  UNROLL_API std::vector<std::byte> bytes() const;

  /// What `add` and the others come to: a matrix, column by column, of numbers of a type.
  struct Values {
    const void* data;
    Dtype dtype;
    Index rows, cols;
    bool transposed = false;  ///< element (i, j) is [j][i] of the tensor
  };
  UNROLL_API void add_values(std::string_view name, const Values& values, std::span<const Index> shape, Dtype dtype);

 private:
  struct Entry {
    std::string name;
    Dtype dtype;
    std::vector<Index> shape;
    std::vector<std::byte> bytes;
  };

  Entry make_entry(std::string_view name, Dtype from, Dtype dtype, std::span<const Index> shape) const;
  std::vector<const Entry*> in_order() const;
  std::string make_header() const;

  std::vector<Entry> entries_;
  std::set<std::string, std::less<>> names_;
  std::map<std::string, std::string> metadata_;
};

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/file/safetensors_writer.ipp>
#endif
