// Reading safetensors: a length, a JSON header, the bytes of named tensors. The bytes may come from anybody.
#pragma once

#include <cmath>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <unroll/core/matrix.hpp>
#include <unroll/file/read_file.hpp>
#include <unroll/io/safetensors_header.hpp>

namespace unroll::inline UNROLL_ABI {

/// One tensor of a file: row-major, little-endian, of any alignment.
struct Tensor {
  Dtype dtype = Dtype::f32;
  std::vector<Index> shape;
  std::span<const std::byte> bytes;

  Index rank() const { return static_cast<Index>(shape.size()); }
  /// Number of elements.
  Index size() const { return static_cast<Index>(bytes.size() / size_of(dtype)); }
};

namespace detail {

/// "(4, 3)"
inline std::string shape_text(std::span<const Index> shape) {
  std::string text = "(";
  for (const Index dim : shape) text += concat(text.size() > 1 ? ", " : "", dim);
  return text + ")";
}

/// Whether a stored number has a value in T: a whole number must keep it, a floating-point one may be rounded.
template <class T, class Stored> bool fits(Stored value) {
  if constexpr (std::is_floating_point_v<T>)
    return true;
  else if constexpr (std::is_floating_point_v<Stored>)
    return false;
  else
    return std::in_range<T>(value);
}

/// out(i, j) = element i * cols + j, or with `transposed` element j * rows + i.
template <class T> void read_elements(const Tensor& tensor, bool transposed, Matrix<T>& out, std::string_view where) {
  if (out.size() == 0) return;  // the other side may be of any length
  const std::size_t size = size_of(tensor.dtype);
  with_element_reader(tensor.dtype, [&](auto read) {
    for (Index j = 0; j < out.cols(); ++j)
      for (Index i = 0; i < out.rows(); ++i) {
        const Index k = transposed ? j * out.rows() + i : i * out.cols() + j;
        const auto value = read(tensor.bytes.data() + static_cast<std::size_t>(k) * size);
        require<FormatError>(fits<T>(value), where, ": element ", k, " (", value, ", ", name_of(tensor.dtype),
                             ") is not a whole number in range");
        out(i, j) = static_cast<T>(value);
      }
  });
}

}  // namespace detail

/// A safetensors file that has been checked whole: every tensor lies in it, none overlaps another, each has as many
/// bytes as its shape says. Copies share the bytes.
class SafeTensors {
 public:
  std::string source;  ///< the file's name, for messages
  std::map<std::string, Tensor, std::less<>> tensors;
  std::map<std::string, std::string, std::less<>> metadata;

  SafeTensors() = default;
  /// `bytes` must outlive this object. Throws FormatError beginning with `source`.
  explicit SafeTensors(std::span<const std::byte> bytes, std::string name = "safetensors") : source(std::move(name)) {
    parse(bytes);
  }
  explicit SafeTensors(std::vector<std::byte> bytes, std::string name = "safetensors")
      : source(std::move(name)), storage_(std::make_shared<const std::vector<std::byte>>(std::move(bytes))) {
    parse(*storage_);
  }

  bool contains(std::string_view name) const { return tensors.contains(name); }
  /// Throws FormatError where there is no such tensor.
  const Tensor& tensor(std::string_view name) const {
    const auto found = tensors.find(name);
    require<FormatError>(found != tensors.end(), source, ": no tensor ", detail::quote(name));
    return found->second;
  }
  /// The tensor as a matrix of another or the same type. Its element [i][j] is (i, j): PyTorch's `weight_ih_l0` of
  /// shape (4 H, D) gives (4 H, D). A vector (n) gives (n, 1). Throws FormatError for three dimensions and more
  /// (`tensor` has their bytes), and for an integral T that a stored number does not fit.
  template <class T> Matrix<T> matrix(std::string_view name) const {
    const Tensor& stored = tensor(name);
    const std::string where = concat(source, ": tensor ", detail::quote(name));
    require<FormatError>(stored.rank() <= 2, where, ": got shape ", detail::shape_text(stored.shape),
                         ", expected at most two dimensions");
    Matrix<T> out(stored.rank() > 0 ? stored.shape[0] : 1, stored.rank() > 1 ? stored.shape[1] : 1);
    detail::read_elements(stored, false, out, where);
    return out;
  }
  /// All elements of a tensor of any shape, in the order of the file.
  template <class T> std::vector<T> elements(std::string_view name) const {
    const Tensor& stored = tensor(name);
    Matrix<T> row(1, stored.size());
    detail::read_elements(stored, false, row, concat(source, ": tensor ", detail::quote(name)));
    return {row.data(), row.data() + row.size()};
  }
  /// Throws FormatError where there is no such key.
  const std::string& metadata_value(std::string_view key) const {
    const auto found = metadata.find(key);
    require<FormatError>(found != metadata.end(), source, ": no metadata ", detail::quote(key));
    return found->second;
  }

 private:
  static constexpr std::uint64_t max_header = 100'000'000;  ///< as the reference implementation has it

  void parse(std::span<const std::byte> bytes) {
    require<FormatError>(bytes.size() >= 8, source, ": ", bytes.size(), " bytes, expected at least 8: not safetensors");
    const auto length = detail::load_bytes<std::uint64_t>(bytes.data());
    require<FormatError>(length <= max_header, source, ": the header has ", length, " bytes, expected at most ",
                         max_header, ": not safetensors");
    require<FormatError>(length <= bytes.size() - 8, source, ": the file is cut short: ", bytes.size() - 8,
                         " bytes follow, expected a header of ", length);
    const auto header = bytes.subspan(8, static_cast<std::size_t>(length));
    const std::string_view text(reinterpret_cast<const char*>(header.data()), header.size());
    require<FormatError>(text.starts_with('{'), source, ": the header does not begin with '{': not safetensors");
    detail::SafeTensorsHeader parsed(text, concat(source, ": header"));
    const auto data = bytes.subspan(8 + header.size());
    parsed.check_layout(data.size());
    metadata = std::move(parsed.metadata);
    for (const auto& [name, entry] : parsed.entries) {
      const auto& offsets = *entry.offsets;
      tensors.emplace(name, Tensor{*entry.dtype,
                                   {entry.shape->begin(), entry.shape->end()},
                                   data.subspan(static_cast<std::size_t>(offsets[0]),
                                                static_cast<std::size_t>(offsets[1] - offsets[0]))});
    }
  }

  std::shared_ptr<const std::vector<std::byte>> storage_;
};

/// Throws FormatError with the path and what is wrong.
inline SafeTensors read_safetensors(const std::filesystem::path& path) {
  return SafeTensors(read_file(path), path.string());
}

}  // namespace unroll::inline UNROLL_ABI
