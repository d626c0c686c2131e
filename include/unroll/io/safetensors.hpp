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
#include <unroll/io/file_kind.hpp>
#include <unroll/io/safetensors_header.hpp>

namespace unroll::inline UNROLL_ABI {

/// One tensor of a file: row-major, little-endian, of any alignment.
struct Tensor {
  Dtype dtype = Dtype::f32;
  std::vector<Index> shape;
  std::span<const std::byte> bytes;
  std::string dtype_name{};  ///< of Dtype::other, as the file has it

  Index rank() const { return static_cast<Index>(shape.size()); }
  /// Number of elements.
  Index size() const {
    Index size = 1;
    for (const Index dim : shape) size *= dim;
    return size;
  }
  /// "F32", "F8_E4M3"
  std::string_view type() const { return dtype == Dtype::other ? std::string_view(dtype_name) : name_of(dtype); }
};

namespace detail {

/// "(4, 3)"
inline std::string shape_text(std::span<const Index> shape) {
  std::string text = "(";
  for (const Index dim : shape) text += concat(text.size() > 1 ? ", " : "", dim);
  return text + ")";
}

/// "F32 (512, 128)"
inline std::string describe_tensor(std::string_view type, std::span<const Index> shape) {
  return concat(type.size() > 40 ? type.substr(0, 40) : type, " ", shape_text(shape));
}
inline std::string describe_tensor(const Tensor& tensor) { return describe_tensor(tensor.type(), tensor.shape); }

/// Whether a stored number has a value in T: a whole number must keep it, a floating-point one may be rounded.
template <class T, class Stored> bool fits(Stored value) {
  if constexpr (std::is_floating_point_v<T>)
    return true;
  else if constexpr (std::is_floating_point_v<Stored>)
    return false;
  else
    return std::in_range<T>(value);
}

/// Bytes of the header of a file of `size` bytes that begins so.
inline std::size_t header_length(std::span<const std::byte> begin, std::uint64_t size, std::string_view source) {
  constexpr std::uint64_t max = 100'000'000;  // as the reference implementation has it
  refuse_other_kinds(begin, source, {FileKind::safetensors});
  require<FormatError>(std::min<std::uint64_t>(size, begin.size()) >= 8, source, ": ", size,
                       " bytes, expected at least 8: not safetensors");
  const auto length = load_bytes<std::uint64_t>(begin.data());
  require<FormatError>(length <= max, source, ": the header has ", length, " bytes, expected at most ", max,
                       ": not safetensors");
  require<FormatError>(length <= size - 8, source, ": the file is cut short: ", size - 8,
                       " bytes follow, expected a header of ", length);
  return static_cast<std::size_t>(length);
}
/// Of a file that begins so, its length included, and goes on with `size` bytes of data.
inline SafeTensorsHeader checked_header(std::span<const std::byte> begin, std::uint64_t size,
                                        const std::string& source) {
  const std::string_view text(reinterpret_cast<const char*>(begin.data()) + 8, begin.size() - 8);
  require<FormatError>(text.starts_with('{'), source, ": the header does not begin with '{': not safetensors");
  SafeTensorsHeader header(text, concat(source, ": header"));
  header.check_layout(size);
  return header;
}

/// Before memory is asked for: how many bytes stand behind an element of another type nobody knows.
inline void require_readable(const Tensor& tensor, std::string_view where) {
  require<FormatError>(tensor.dtype != Dtype::other, where, ": its elements are ", quote(tensor.type()),
                       ", expected F64, F32, F16, BF16, I64, I32 or U8");
}

/// out(i, j) = element i * cols + j, or with `transposed` element j * rows + i.
template <class T> void read_elements(const Tensor& tensor, bool transposed, Matrix<T>& out, std::string_view where) {
  if (out.size() == 0) return;
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
/// bytes as its shape says. A tensor of a type that the library does not read is there, by its name and bytes, and
/// refused where its elements are asked for. Copies share the bytes.
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

  /// Tensors that lie in `bytes` already.
  SafeTensors(std::vector<std::byte> bytes, std::map<std::string, Tensor, std::less<>> found, std::string name)
      : source(std::move(name)),
        tensors(std::move(found)),
        storage_(std::make_shared<const std::vector<std::byte>>(std::move(bytes))) {}

  bool contains(std::string_view name) const { return tensors.contains(name); }
  /// Throws FormatError where there is no such tensor.
  const Tensor& tensor(std::string_view name) const {
    const auto found = tensors.find(name);
    if (found == tensors.end())
      fail<FormatError>(source, ": no tensor ", detail::quote(name), detail::nearest_names(name, tensors));
    return found->second;
  }
  /// The tensor as a matrix of another or the same type. Its element [i][j] is (i, j): PyTorch's `weight_ih_l0` of
  /// shape (4 H, D) gives (4 H, D). A vector (n) gives (n, 1). Throws FormatError for three dimensions and more
  /// (`tensor` has their bytes), for a matrix of nothing with a side of more than 2^24, and for an integral T that a
  /// stored number does not fit.
  template <class T> Matrix<T> matrix(std::string_view name) const {
    const Tensor& stored = tensor(name);
    const std::string where = concat(source, ": tensor ", detail::quote(name));
    detail::require_readable(stored, where);
    require<FormatError>(stored.rank() <= 2, where, ": got shape ", detail::shape_text(stored.shape),
                         ", expected at most two dimensions");
    for (const Index dim : stored.shape)  // no bytes of the file stand behind it: whoever loops over it would not end
      require<FormatError>(stored.size() > 0 || dim <= max_empty_side, where, ": got shape ",
                           detail::shape_text(stored.shape), ", which holds nothing");
    Matrix<T> out(stored.rank() > 0 ? stored.shape[0] : 1, stored.rank() > 1 ? stored.shape[1] : 1);
    detail::read_elements(stored, false, out, where);
    return out;
  }
  /// All elements of a tensor of any shape, in the order of the file.
  template <class T> std::vector<T> elements(std::string_view name) const {
    const Tensor& stored = tensor(name);
    const std::string where = concat(source, ": tensor ", detail::quote(name));
    detail::require_readable(stored, where);
    Matrix<T> row(1, stored.size());
    detail::read_elements(stored, false, row, where);
    return {row.data(), row.data() + row.size()};
  }
  /// Throws FormatError where there is no such key.
  const std::string& metadata_value(std::string_view key) const {
    const auto found = metadata.find(key);
    if (found == metadata.end())
      fail<FormatError>(source, ": no metadata ", detail::quote(key), detail::nearest_names(key, metadata));
    return found->second;
  }

 private:
  static constexpr Index max_empty_side = Index{1} << 24;

  void parse(std::span<const std::byte> bytes) {
    const std::size_t begin = 8 + detail::header_length(bytes, bytes.size(), source);
    const auto data = bytes.subspan(begin);
    detail::SafeTensorsHeader header = detail::checked_header(bytes.first(begin), data.size(), source);
    metadata = std::move(header.metadata);
    for (auto& [name, entry] : header.entries) {
      const auto& offsets = *entry.offsets;
      const auto dtype = dtype_from_name(*entry.dtype);
      tensors.emplace(name, Tensor{dtype.value_or(Dtype::other),
                                   {entry.shape->begin(), entry.shape->end()},
                                   data.subspan(detail::as<std::size_t>(offsets[0]),
                                                detail::as<std::size_t>(offsets[1] - offsets[0])),
                                   dtype ? std::string() : std::move(*entry.dtype)});
    }
  }

  std::shared_ptr<const std::vector<std::byte>> storage_;
};

/// Throws FormatError with the path and what is wrong; before more than the beginning is read, if that shows it.
inline SafeTensors read_safetensors(const std::filesystem::path& path) {
  const std::string source = path.string();
  auto bytes = read_file(path, [&](std::span<const std::byte> head, std::uint64_t size) {
    const std::size_t begin = 8 + detail::header_length(head, size, source);
    if (begin <= head.size()) detail::checked_header(head.first(begin), size - begin, source);
  });
  return SafeTensors(std::move(bytes), source);
}

}  // namespace unroll::inline UNROLL_ABI
