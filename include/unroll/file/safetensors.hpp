// Reading safetensors: a length, a JSON header, the bytes of named tensors. The bytes may come from anybody.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <unroll/core/matrix.hpp>
#include <unroll/file/dtype.hpp>
#include <unroll/file/tensor.hpp>

namespace unroll::inline UNROLL_ABI {

/// A safetensors file that has been checked whole: every tensor lies in it, none overlaps another, each has as many
/// bytes as its shape says. A tensor of a type that the library does not read is there, by its name and bytes, and
/// refused where its elements are asked for. Copies share the bytes.
class SafeTensors {
 public:
  std::string source;  ///< the file's name, for messages
  std::map<std::string, Tensor, std::less<>> tensors;
  std::map<std::string, std::string, std::less<>> metadata;

  SafeTensors() = default;
  /// `bytes` must outlive this object. Throws FormatError beginning with `source`.
  UNROLL_API explicit SafeTensors(std::span<const std::byte> bytes, std::string name = "safetensors");
  UNROLL_API explicit SafeTensors(std::vector<std::byte> bytes, std::string name = "safetensors");

  /// Tensors that lie in `bytes` already.
  UNROLL_API SafeTensors(std::vector<std::byte> bytes, std::map<std::string, Tensor, std::less<>> found,
                         std::string name);

  bool contains(std::string_view name) const { return tensors.contains(name); }
  /// Throws FormatError where there is no such tensor.
  UNROLL_API const Tensor& tensor(std::string_view name) const;
  /// The tensor as a matrix of another or the same type. Its element [i][j] is (i, j): PyTorch's `weight_ih_l0` of
  /// shape (4 H, D) gives (4 H, D). A vector (n) gives (n, 1). Throws FormatError for three dimensions and more
  /// (`tensor` has their bytes), for a matrix of nothing with a side of more than 2^24, and for an integral T that a
  /// stored number does not fit.
  template <class T> Matrix<T> matrix(std::string_view name) const;
  /// All elements of a tensor of any shape, in the order of the file.
  template <class T> std::vector<T> elements(std::string_view name) const;
  /// Throws FormatError where there is no such key.
  UNROLL_API const std::string& metadata_value(std::string_view key) const;

 private:
  static constexpr Index max_empty_side = Index{1} << 24;

  /// "model.safetensors: tensor 'weight'"
  UNROLL_API std::string where(std::string_view name) const;
  void parse(std::span<const std::byte> bytes);
  /// The tensor, if its elements can be read, and as a matrix.
  UNROLL_API const Tensor& readable(std::string_view name) const;
  UNROLL_API const Tensor& readable_matrix(std::string_view name) const;

  std::shared_ptr<const std::vector<std::byte>> storage_;
};

/// Throws FormatError with the path and what is wrong; before more than the beginning is read, if that shows it.
UNROLL_API SafeTensors read_safetensors(const std::filesystem::path& path);

namespace detail {

/// Whether a stored number has a value in T: a whole number must keep it, a floating-point one may be rounded.
template <class T, class Stored> bool fits(Stored value) {
  if constexpr (std::is_floating_point_v<T>)
    return true;
  else if constexpr (std::is_floating_point_v<Stored>)
    return false;
  else
    return std::in_range<T>(value);
}

/// Element i * cols + j, or with `transposed` element j * rows + i, to i + j * rows of `out`. The error begins with
/// `where`.
template <class T>
void read_elements(const Tensor& tensor, bool transposed, T* out, Index rows, Index cols, std::string_view where) {
  if (rows * cols == 0) return;
  const std::size_t size = size_of(tensor.dtype);
  with_element_reader(tensor.dtype, [&](auto read) {
    for (Index j = 0; j < cols; ++j)
      for (Index i = 0; i < rows; ++i) {
        const Index k = transposed ? j * rows + i : i * cols + j;
        const auto value = read(tensor.bytes.data() + static_cast<std::size_t>(k) * size);
        require<FormatError>(fits<T>(value), where, ": element ", k, " (", value, ", ", name_of(tensor.dtype),
                             ") is not a whole number in range");
        out[i + j * rows] = static_cast<T>(value);
      }
  });
}

}  // namespace detail

template <class T> Matrix<T> SafeTensors::matrix(std::string_view name) const {
  const Tensor& stored = readable_matrix(name);
  Matrix<T> out(stored.rank() > 0 ? stored.shape[0] : 1, stored.rank() > 1 ? stored.shape[1] : 1);
  detail::read_elements(stored, false, out.data(), out.rows(), out.cols(), where(name));
  return out;
}
template <class T> std::vector<T> SafeTensors::elements(std::string_view name) const {
  const Tensor& stored = readable(name);
  std::vector<T> out(static_cast<std::size_t>(stored.size()));
  detail::read_elements(stored, false, out.data(), 1, stored.size(), where(name));
  return out;
}

#define UNROLL_SAFETENSORS_INSTANCES(DECLARE, T)                                                             \
  DECLARE UNROLL_API void detail::read_elements<T>(const Tensor&, bool, T*, Index, Index, std::string_view); \
  DECLARE UNROLL_API Matrix<T> SafeTensors::matrix<T>(std::string_view) const;                               \
  DECLARE UNROLL_API std::vector<T> SafeTensors::elements<T>(std::string_view) const;
#if !UNROLL_HEADER_ONLY
UNROLL_SAFETENSORS_INSTANCES(extern template, float)
UNROLL_SAFETENSORS_INSTANCES(extern template, double)
UNROLL_SAFETENSORS_INSTANCES(extern template, std::int32_t)
UNROLL_SAFETENSORS_INSTANCES(extern template, std::int64_t)
#endif

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/file/safetensors.ipp>
#endif
