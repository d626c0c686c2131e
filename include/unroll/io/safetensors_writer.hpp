// Writing safetensors.
#pragma once

#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include <unroll/file/replace_file.hpp>
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
    copy(name, m, false, shape, dtype);
  }
  /// Stored as the transpose, of shape (cols, rows).
  template <class T> void add_transposed(std::string_view name, const Matrix<T>& m, Dtype dtype = dtype_of<T>) {
    const Index shape[] = {m.cols(), m.rows()};
    copy(name, m, true, shape, dtype);
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
    Index size = 1;  // of as many as there are values: the product of other sides may be no number
    for (const Index dim : shape) {
      require(dim >= 0 && (dim == 0 || size <= static_cast<Index>(values.size()) / dim), "safetensors: '", name,
              "' has ", values.size(), " values, expected ", detail::shape_text(shape));
      size *= dim;
    }
    require(size == static_cast<Index>(values.size()), "safetensors: '", name, "' has ", values.size(),
            " values, expected ", detail::shape_text(shape));
    Entry to = make_entry<T>(name, dtype, shape);
    for (std::size_t k = 0; k < values.size(); ++k) store(values[k], to, k);
    keep(std::move(to));
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
  void copy(std::string_view name, const Matrix<T>& m, bool transposed, std::span<const Index> shape, Dtype dtype) {
    Entry to = make_entry<T>(name, dtype, shape);
    for (Index j = 0; j < m.cols(); ++j)
      for (Index i = 0; i < m.rows(); ++i)
        store(m(i, j), to, static_cast<std::size_t>(transposed ? j * m.rows() + i : i * m.cols() + j));
    keep(std::move(to));
  }
  template <class T> static void store(T value, Entry& to, std::size_t k) {
    std::byte* const at = to.bytes.data() + k * size_of(to.dtype);
    if (to.dtype == dtype_of<T>) return detail::store_bytes(value, at);
    if constexpr (std::is_floating_point_v<T>)
      require(detail::store_rounded(static_cast<double>(value), to.dtype, at), "safetensors: element ", k, " of ",
              detail::quote(to.name), " is ", value, ", too large for ", name_of(to.dtype));
  }
  template <class T> Entry make_entry(std::string_view name, Dtype dtype, std::span<const Index> shape) const {
    require(is_valid_utf8(name) && name != "__metadata__", "safetensors: a tensor cannot be called ",
            detail::quote(name));
    require(!names_.contains(name), "safetensors: two tensors are called ", detail::quote(name));
    require(dtype == dtype_of<T> || (std::is_floating_point_v<T> && is_floating_point(dtype)),
            "safetensors: ", detail::quote(name), " is ", name_of(dtype_of<T>), ", which cannot be written as ",
            name_of(dtype));
    std::size_t bytes = size_of(dtype);
    for (const Index dim : shape) bytes *= static_cast<std::size_t>(dim);
    return {std::string(name), dtype, {shape.begin(), shape.end()}, std::vector<std::byte>(bytes)};
  }
  void keep(Entry entry) {
    names_.insert(entry.name);
    entries_.push_back(std::move(entry));
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
    detail::store_bytes(detail::as<std::uint64_t>(text.size()), reinterpret_cast<std::byte*>(header.data()));
    return header + text;
  }

  std::vector<Entry> entries_;
  std::set<std::string, std::less<>> names_;
  std::map<std::string, std::string> metadata_;
};

}  // namespace unroll::inline UNROLL_ABI
