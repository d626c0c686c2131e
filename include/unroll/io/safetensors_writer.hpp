// Writing safetensors.
#pragma once

#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include <unroll/io/atomic_file.hpp>
#include <unroll/io/safetensors.hpp>
#include <unroll/text/utf8.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
/// Sixteen hexadecimal digits.
inline std::string hex_text(std::uint64_t bits) {
  std::string text(16, '0');
  for (auto digit = text.rbegin(); digit != text.rend(); ++digit, bits >>= 4) *digit = "0123456789abcdef"[bits & 15];
  return text;
}
}  // namespace detail

/// Collects tensors and metadata, then writes them in one go: the same calls give the same bytes. Tensors stand in the
/// order in which they were added, those of 8 bytes per element before those of 4, so that each is aligned.
///
/// `add` copies, so the file is of the moment of the calls. Its errors are std::invalid_argument.
class SafeTensorsWriter {
 public:
  /// Stored row-major: element (i, j) is [i][j], of shape (rows, cols).
  template <class T> void add(std::string_view name, const Matrix<T>& m) {
    const Index shape[] = {m.rows(), m.cols()};
    copy(name, m, false, shape);
  }
  /// Stored as the transpose, of shape (cols, rows).
  template <class T> void add_transposed(std::string_view name, const Matrix<T>& m) {
    const Index shape[] = {m.cols(), m.rows()};
    copy(name, m, true, shape);
  }
  /// A vector of shape (n).
  template <class T> void add_vector(std::string_view name, std::span<const T> values) {
    const Index shape[] = {static_cast<Index>(values.size())};
    add_array(name, values, shape);
  }
  /// Row-major values of any shape.
  template <class T> void add_array(std::string_view name, std::span<const T> values, std::span<const Index> shape) {
    Index size = 1;
    for (const Index dim : shape) size *= dim;
    require(size == static_cast<Index>(values.size()), "safetensors: '", name, "' has ", values.size(),
            " values, expected ", detail::shape_text(shape));
    std::byte* to = allocate(name, dtype_of<T>, shape);
    for (const T value : values) detail::store_bytes(value, to), to += sizeof(T);
  }
  /// Text that travels with the tensors. Both must be UTF-8: JSON knows nothing else.
  void set_metadata(std::string_view key, std::string_view value) {
    require(is_valid_utf8(key) && is_valid_utf8(value), "safetensors: the metadata ", detail::quote(key),
            " is not UTF-8");
    metadata_[std::string(key)] = value;
  }

  /// The whole file: see `replace_file` for what happens to an old one and on errors.
  void save(const std::filesystem::path& path) const {
    const std::string header = make_header();
    std::vector<std::span<const std::byte>> parts{std::as_bytes(std::span(header))};
    for (const Entry* entry : in_order()) parts.emplace_back(entry->bytes);
    replace_file(path, parts);
  }
  std::vector<std::byte> bytes() const {
    const std::string header = make_header();
    const auto head = std::as_bytes(std::span(header));
    std::vector<std::byte> all(head.begin(), head.end());
    for (const Entry* entry : in_order()) all.insert(all.end(), entry->bytes.begin(), entry->bytes.end());
    return all;
  }

 private:
  struct Entry {
    std::string name;
    Dtype dtype;
    std::vector<Index> shape;
    std::vector<std::byte> bytes;
  };

  template <class T>
  void copy(std::string_view name, const Matrix<T>& m, bool transposed, std::span<const Index> shape) {
    std::byte* to = allocate(name, dtype_of<T>, shape);
    for (Index j = 0; j < m.cols(); ++j)
      for (Index i = 0; i < m.rows(); ++i) {
        const Index k = transposed ? j * m.rows() + i : i * m.cols() + j;
        detail::store_bytes(m(i, j), to + static_cast<std::size_t>(k) * sizeof(T));
      }
  }
  std::byte* allocate(std::string_view name, Dtype dtype, std::span<const Index> shape) {
    require(is_valid_utf8(name) && name != "__metadata__", "safetensors: a tensor cannot be called ",
            detail::quote(name));
    require(names_.emplace(name).second, "safetensors: two tensors are called ", detail::quote(name));
    std::size_t bytes = size_of(dtype);
    for (const Index dim : shape) bytes *= static_cast<std::size_t>(dim);
    entries_.push_back({std::string(name), dtype, {shape.begin(), shape.end()}, std::vector<std::byte>(bytes)});
    return entries_.back().bytes.data();
  }
  std::vector<const Entry*> in_order() const {
    std::vector<const Entry*> order;
    for (const std::size_t size : {8u, 4u, 2u, 1u})
      for (const Entry& entry : entries_)
        if (size_of(entry.dtype) == size) order.push_back(&entry);
    return order;
  }
  /// With the eight bytes of its length in front; spaces make the data begin at a multiple of eight.
  std::string make_header() const {
    using Json = nlohmann::json;
    std::string text = "{";
    if (!metadata_.empty()) text += concat("\"__metadata__\":", Json(metadata_).dump());
    std::size_t begin = 0;
    for (const Entry* entry : in_order()) {
      const std::size_t end = begin + entry->bytes.size();
      const Json description{{"dtype", name_of(entry->dtype)}, {"shape", entry->shape}, {"data_offsets", {begin, end}}};
      text += concat(text.size() > 1 ? "," : "", Json(entry->name).dump(), ":", description.dump());
      begin = end;
    }
    text += '}';
    text.append((8 - text.size() % 8) % 8, ' ');
    std::string header(8, '\0');
    detail::store_bytes(static_cast<std::uint64_t>(text.size()), reinterpret_cast<std::byte*>(header.data()));
    return header + text;
  }

  std::vector<Entry> entries_;
  std::set<std::string, std::less<>> names_;
  std::map<std::string, std::string> metadata_;
};

}  // namespace unroll::inline UNROLL_ABI
