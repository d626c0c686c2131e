// Bodies of io/state_dict.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <unroll/file/json_value.hpp>
#include <unroll/file/tensor_text.hpp>
#include <unroll/io/json_tensors.hpp>
#include <unroll/io/state_dict.hpp>
#include <unroll/network/parameter_tensors.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {

inline std::string name_in_file(const std::string& path, const StateDictOptions& options) {
  for (const auto& [file, model] : options.names)
    if (path.starts_with(model)) return file + path.substr(model.size());
  return path;
}

UNROLL_FUNCTION void load_state_dict(const SafeTensors& file, const StoredParameters& parameters,
                                     const StateDictOptions& options) {
  std::set<std::string, std::less<>> used;
  const auto ignored = [&](const std::string& name) {
    return std::ranges::any_of(options.ignore, [&](const std::string& pattern) { return matches(pattern, name); });
  };
  const bool projects = std::ranges::any_of(parameters, [](const StoredParameter& p) { return p.name == "weight_hr"; });
  for (const auto& [name, tensor] : file.tensors)
    require<FormatError>(projects || name.find("weight_hr_l") == std::string::npos || ignored(name), file.source,
                         ": tensor ", quote(name), " is the projection of an LSTM with proj_size; the model has no ",
                         "ProjectedLstm");
  for (const StoredParameter& p : parameters) {
    const std::string name = name_in_file(p.path, options);
    const auto found = file.tensors.find(name);
    if (found == file.tensors.end())
      fail<FormatError>(file.source, ": no tensor '", name, "' for the model's '", p.path, "' ", shape_text(p.shape),
                        nearest_names(name, file.tensors));
    const Tensor& tensor = found->second;
    require<FormatError>(is_floating_point(tensor.dtype) && tensor.shape == p.shape, file.source, ": tensor '", name,
                         "': got ", describe_tensor(tensor), ", expected floats ", shape_text(p.shape),
                         " for the model's '", p.path, "'");
    require(used.insert(name).second, "load_state_dict: two parameters of the model are called '", name, "'");
    read_parameter(tensor, p, file.source);
    const Index bad = first_not_finite(p);
    require<FormatError>(bad < 0, file.source, ": tensor '", name, "' holds a number that is not finite");
  }
  for (const auto& [name, tensor] : file.tensors)
    require<FormatError>(used.contains(name) || ignored(name), file.source, ": the model has no place for tensor ",
                         quote(name), " ", describe_tensor(tensor));
}

UNROLL_FUNCTION void save_state_dict(const std::filesystem::path& path, const StoredParameters& parameters,
                                     const StateDictOptions& options) {
  SafeTensorsWriter all;
  add_parameters(all, parameters);
  const SafeTensors tensors(all.bytes());
  SafeTensorsWriter renamed;
  renamed.set_metadata("format", "pt");
  for (const auto& [name, tensor] : tensors.tensors)
    with_element_reader(tensor.dtype, [&](auto read) {
      using T = decltype(read(nullptr));
      if constexpr (std::is_floating_point_v<T>) {
        const std::vector<T> values = tensors.elements<T>(name);
        renamed.add_array(name_in_file(name, options), std::span<const T>(values), tensor.shape,
                          options.dtype.value_or(tensor.dtype));
      }
    });
  renamed.save(path);
}

}  // namespace detail

UNROLL_FUNCTION SafeTensors read_state_dict_json(const std::filesystem::path& path) {
  const auto bytes = detail::read_file_of(path, {FileKind::json});
  const detail::Json tree = detail::parse_json(bytes, path.string());
  return detail::tensors_from_json(detail::JsonAt(tree, path.string()));
}

}  // namespace unroll::inline UNROLL_ABI
