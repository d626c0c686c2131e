// PyTorch's state dictionaries: into models under other names and of other types, and back.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <unroll/io/json_value.hpp>
#include <unroll/io/parameters_file.hpp>

namespace unroll::inline UNROLL_ABI {

/// `{"encoder.lstm.", "0."}`: what the model calls `0.weight_ih_l0` is `encoder.lstm.weight_ih_l0` in the file.
struct TensorPrefix {
  std::string file, model;
};

struct StateDictOptions {
  /// The first whose `model` a path begins with decides; a path that begins with none is called the same in the file.
  std::vector<TensorPrefix> names{};
  /// Tensors of the file that are left out on purpose, `*` standing for anything: `{"decoder.*"}`.
  std::vector<std::string> ignore{};
  /// The elements of a file that is written: f64, f32, f16 or bf16, rounded to nearest; by default the model's own
  /// type.
  std::optional<Dtype> dtype{};
};

namespace detail {

inline std::string name_in_file(const std::string& path, const StateDictOptions& options) {
  for (const auto& [file, model] : options.names)
    if (path.starts_with(model)) return file + path.substr(model.size());
  return path;
}

/// Every parameter with its tensor; throws where one does not fit.
template <class M, class F>
void match_tensors(const SafeTensors& file, M& model, const StateDictOptions& options, F&& f) {
  std::set<std::string, std::less<>> used;
  const auto ignored = [&](const std::string& name) {
    return std::ranges::any_of(options.ignore, [&](const std::string& pattern) { return matches(pattern, name); });
  };
  bool projects = false;
  visit([&](const Path& path, const auto&) { projects = projects || path.name == "weight_hr"; }, model);
  for (const auto& [name, tensor] : file.tensors)
    require<FormatError>(projects || name.find("weight_hr_l") == std::string::npos || ignored(name), file.source,
                         ": tensor ", quote(name), " is the projection of an LSTM with proj_size; the model has no ",
                         "ProjectedLstm");
  visit(
      [&](const Path& path, auto& p) {
        const std::string name = name_in_file(path.str(), options);
        const auto expected = stored_shape(path, p);
        const auto found = file.tensors.find(name);
        if (found == file.tensors.end())
          fail<FormatError>(file.source, ": no tensor '", name, "' for the model's '", path.str(), "' ",
                            shape_text(expected), nearest_names(name, file.tensors));
        const Tensor& tensor = found->second;
        require<FormatError>(is_floating_point(tensor.dtype) && tensor.shape == expected, file.source, ": tensor '",
                             name, "': got ", describe_tensor(tensor), ", expected floats ", shape_text(expected),
                             " for the model's '", path.str(), "'");
        require(used.insert(name).second, "load_state_dict: two parameters of the model are called '", name, "'");
        f(tensor, name, p);
      },
      model);
  for (const auto& [name, tensor] : file.tensors)
    require<FormatError>(used.contains(name) || ignored(name), file.source, ": the model has no place for tensor ",
                         quote(name), " ", describe_tensor(tensor));
}

/// Names to numbers, lists of numbers, lists of lists.
inline SafeTensors tensors_from_json(const JsonAt& root) {
  std::vector<std::byte> bytes;
  std::map<std::string, Tensor, std::less<>> tensors;
  for (const auto& [name, value] : root.object().items()) {
    const JsonAt at = root.at(name);
    const auto rows = static_cast<Index>(at.size());
    const bool is_vector = rows == 0 || !at[0].is_array();
    const Index cols = is_vector ? 1 : static_cast<Index>(at[0].size());
    const Matrix<float> m = is_vector ? at.vector(rows) : at.matrix(rows, cols);
    const std::size_t begin = bytes.size();
    bytes.resize(begin + static_cast<std::size_t>(m.size()) * sizeof(float));
    std::byte* to = bytes.data() + begin;
    for (Index i = 0; i < m.rows(); ++i)
      for (Index j = 0; j < cols; ++j, to += sizeof(float)) store_bytes(m(i, j), to);
    auto shape = is_vector ? std::vector<Index>{rows} : std::vector<Index>{rows, cols};
    tensors.emplace(name, Tensor{Dtype::f32, std::move(shape), {}});
  }
  std::span<const std::byte> rest = bytes;
  for (auto& [name, tensor] : tensors) {  // names of both are in the same order
    tensor.bytes = rest.first(static_cast<std::size_t>(tensor.size()) * sizeof(float));
    rest = rest.subspan(tensor.bytes.size());
  }
  return SafeTensors(std::move(bytes), std::move(tensors), root.source());
}

}  // namespace detail

/// Reads every parameter of the model from a file that PyTorch wrote (`safetensors.torch.save_file(module.state_dict(),
/// path)`): nn.RNN, LSTM, GRU of any number of layers and directions (a Stack, a Bidirectional), Embedding, Linear.
/// Elements may be F32, F64, F16 or BF16 and are rounded to the model's type. Strict: throws FormatError with the file,
/// the tensor, what was got and expected for the first that is missing, has another shape, holds a number that is not
/// finite, or has no place in the model. The model is then as it was.
template <Visitable M> void load_state_dict(const SafeTensors& file, M& model, const StateDictOptions& options = {}) {
  M read = model;
  detail::match_tensors(file, read, options, [&](const Tensor& tensor, const std::string& name, auto& p) {
    detail::read_elements(tensor, is_table<std::remove_cvref_t<decltype(p)>>, p, file.source);
    const Index bad = detail::first_not_finite(p);
    require<FormatError>(bad < 0, file.source, ": tensor '", name, "' holds a number that is not finite");
  });
  model = std::move(read);
}
template <Visitable M>
void load_state_dict(const std::filesystem::path& path, M& model, const StateDictOptions& options = {}) {
  load_state_dict(read_safetensors(path), model, options);
}

/// Tensors from a JSON object of names to lists, as `json.dump({k: v.tolist() for k, v in
/// module.state_dict().items()})` writes it and RTNeural's PyTorch helpers read it. In float. Throws FormatError for
/// more than two dimensions.
inline SafeTensors read_state_dict_json(const std::filesystem::path& path) {
  const auto bytes = detail::read_file_of(path, {FileKind::json});
  const detail::Json tree = detail::parse_json(bytes, path.string());
  return detail::tensors_from_json(detail::JsonAt(tree, path.string()));
}

/// Writes the parameters under the names that a PyTorch module gives them, and nothing else (`save` says more), for
/// `module.load_state_dict(safetensors.torch.load_file(path))`. A second bias that PyTorch wants and the model lacks is
/// written as zeros. Throws std::invalid_argument for a parameter that is not finite or too large for the type.
template <Visitable M>
void save_state_dict(const std::filesystem::path& path, const M& model, const StateDictOptions& options = {}) {
  SafeTensorsWriter all;
  add_parameters(all, model);
  const SafeTensors tensors(all.bytes());
  SafeTensorsWriter renamed;
  renamed.set_metadata("format", "pt");
  for (const auto& [name, tensor] : tensors.tensors)
    detail::with_element_reader(tensor.dtype, [&](auto read) {
      using T = decltype(read(nullptr));
      if constexpr (std::is_floating_point_v<T>) {
        const std::vector<T> values = tensors.elements<T>(name);
        renamed.add_array(detail::name_in_file(name, options), std::span<const T>(values), tensor.shape,
                          options.dtype.value_or(tensor.dtype));
      }
    });
  renamed.save(path);
}

}  // namespace unroll::inline UNROLL_ABI
