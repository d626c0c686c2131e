// The parameters of a model as tensors: PyTorch's names, shapes and order of elements, and strict reading.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <unroll/core/parameters.hpp>
#include <unroll/io/safetensors_writer.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {

/// The shape in the file. A table (D, V) is PyTorch's (V, D); a weight keeps its two dimensions even where one is 1;
/// what is one number per unit has one dimension.
template <class P> std::vector<Index> stored_shape(const Path& path, const P& p) {
  if (is_table<const P>) return {p.cols(), p.rows()};
  if (path.kind != Kind::weight && p.cols() == 1) return {p.rows()};
  return {p.rows(), p.cols()};
}

template <class P> void add_parameter(SafeTensorsWriter& writer, std::string_view name, const Path& path, const P& p) {
  using T = typename P::Scalar;
  if (is_table<const P>)
    writer.add_transposed(name, p);
  else if (stored_shape(path, p).size() == 1)
    writer.add_vector(name, std::span<const T>(p.data(), static_cast<std::size_t>(p.size())));
  else
    writer.add(name, p);
}

template <class P> Index first_not_finite(const P& p) {
  for (Index k = 0; k < p.size(); ++k)
    if (!has_finite_bits(p.data()[k])) return k;
  return -1;
}

/// "1.bias_hh_l0" for "1.bias_ih_l0", nothing for any other name.
inline std::string recurrent_bias_name(std::string name) {
  constexpr std::string_view input = "bias_ih";
  const std::size_t leaf = name.rfind('.') + 1;
  if (name.compare(leaf, input.size(), input) != 0) return {};
  return name.replace(leaf, input.size(), "bias_hh");
}

/// Of names and shapes of parameters in their order: FNV-1a, 64 bits.
class Fingerprint {
 public:
  void add(std::string_view name, std::span<const Index> shape) {
    for (const char c : concat(name, shape_text(shape), "\n"))
      hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
  }
  std::string text() const { return hex_text(hash_); }

 private:
  std::uint64_t hash_ = 0xCBF29CE484222325u;
};

/// Throws FormatError for the first parameter whose tensor is missing or of another type or shape, or, if `finite` is
/// asked for, holds a number that is not. Adds the names to `used`.
template <class M>
void check_parameters(const SafeTensors& file, std::string_view prefix, const M& model, bool finite,
                      std::set<std::string, std::less<>>& used) {
  visit(
      [&](const Path& path, const auto& p) {
        using T = typename std::remove_cvref_t<decltype(p)>::Scalar;
        const std::string name = concat(prefix, path.str());
        const std::string expected = describe_tensor(name_of(dtype_of<T>), stored_shape(path, p));
        const auto found = file.tensors.find(name);
        if (found == file.tensors.end())
          fail<FormatError>(file.source, ": no tensor '", name, "', expected ", expected,
                            nearest_names(name, file.tensors));
        const Tensor& tensor = found->second;
        const std::string got = describe_tensor(tensor);
        require<FormatError>(got == expected, file.source, ": tensor '", name, "': got ", got, ", expected ", expected);
        require(used.emplace(name).second, "unroll: two parameters of the model are called '", name, "'");
        if (finite)
          for (std::size_t k = 0; k < tensor.bytes.size() / sizeof(T); ++k)
            require<FormatError>(has_finite_bits(load_bytes<T>(tensor.bytes.data() + k * sizeof(T))), file.source,
                                 ": tensor '", name, "': element ", k, " is not a finite number");
      },
      model);
}

/// What has been checked.
template <class M> void read_parameters(const SafeTensors& file, std::string_view prefix, M& model) {
  visit([&](const Path& path,
            auto& p) { read_elements(file.tensor(concat(prefix, path.str())), is_table<decltype(p)>, p, file.source); },
        model);
}

}  // namespace detail

/// Metadata key of the tensors that are in a file for PyTorch's sake alone: a JSON array of their names.
inline constexpr std::string_view zero_tensors_key = "unroll.zero_tensors";

/// Adds every parameter of the model under its path (`1.weight_ih_l0`), so that PyTorch's load_state_dict takes the
/// file. PyTorch has two biases or none: where a model has `bias_ih` alone, `bias_hh` is written as zeros and listed in
/// the metadata. Throws std::invalid_argument naming a parameter that is not finite: such a file could not be read
/// again.
template <Visitable M> void add_parameters(SafeTensorsWriter& writer, const M& model) {
  std::set<std::string, std::less<>> names;
  visit([&](const Path& path, const auto&) { names.insert(path.str()); }, model);
  std::vector<std::string> zeros;
  visit(
      [&](const Path& path, const auto& p) {
        using T = typename std::remove_cvref_t<decltype(p)>::Scalar;
        const std::string name = path.str();
        const Index bad = detail::first_not_finite(p);
        require(bad < 0, "save: element ", bad, " of the parameter '", name, "' is not a finite number");
        detail::add_parameter(writer, name, path, p);
        const std::string twin = detail::recurrent_bias_name(name);
        if (twin.empty() || names.contains(twin)) return;
        writer.add_vector(twin, std::span<const T>(std::vector<T>(static_cast<std::size_t>(p.size()))));
        zeros.push_back(twin);
      },
      model);
  if (!zeros.empty()) writer.set_metadata(zero_tensors_key, detail::json_array(zeros));
}

/// Names, in the order of the file, that `zero_tensors_key` lists; each once.
inline std::vector<std::string> zero_tensors(const SafeTensors& file) {
  const auto found = file.metadata.find(zero_tensors_key);
  if (found == file.metadata.end()) return {};
  const std::string where = concat(file.source, ": metadata ", zero_tensors_key);
  auto names = detail::JsonArray<std::string>::read(found->second, where);
  std::set<std::string_view> seen;
  for (const std::string& name : names)
    require<FormatError>(seen.insert(name).second, where, ": the name ", detail::quote(name), " stands twice");
  return names;
}

/// Reads every parameter of the model from the tensor of its name. Strict: throws FormatError with the file, the
/// tensor, what was got and what expected for the first that is missing, has another type or shape, or holds a number
/// that is not finite, and for a tensor that the model has no place for. The model is then as it was.
template <Visitable M> void load_parameters(const SafeTensors& file, M& model) {
  std::set<std::string, std::less<>> used;
  detail::check_parameters(file, "", model, true, used);
  for (const std::string& name : zero_tensors(file)) {
    const auto bytes = file.tensor(name).bytes;
    require<FormatError>(std::ranges::all_of(bytes, [](std::byte b) { return b == std::byte{0}; }), file.source,
                         ": tensor ", detail::quote(name), " is listed as zeros and is not");
    used.insert(name);  // a model with both biases has read it as any other
  }
  for (const auto& [name, tensor] : file.tensors)
    require<FormatError>(used.contains(name), file.source, ": the model has no place for tensor ", detail::quote(name),
                         " ", detail::describe_tensor(tensor));
  detail::read_parameters(file, "", model);
}

}  // namespace unroll::inline UNROLL_ABI
