// Bodies of io/parameters_file.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <unroll/file/json_events.hpp>
#include <unroll/file/tensor_text.hpp>
#include <unroll/io/parameters_file.hpp>
#include <unroll/network/parameter_tensors.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {

/// "1.bias_hh_l0" for "1.bias_ih_l0", nothing for any other name.
inline std::string recurrent_bias_name(std::string name) {
  constexpr std::string_view input = "bias_ih";
  const std::size_t leaf = name.rfind('.') + 1;
  if (name.compare(leaf, input.size(), input) != 0) return {};
  return name.replace(leaf, input.size(), "bias_hh");
}

UNROLL_FUNCTION void add_parameters(SafeTensorsWriter& writer, const StoredParameters& parameters) {
  std::set<std::string_view> names;
  for (const StoredParameter& p : parameters) names.insert(p.path);
  std::vector<std::string> zeros;
  for (const StoredParameter& p : parameters) {
    const Index bad = first_not_finite(p);
    require(bad < 0, "save: element ", bad, " of the parameter '", p.path, "' is not a finite number");
    add_parameter(writer, p.path, p);
    const std::string twin = recurrent_bias_name(p.path);
    if (twin.empty() || names.contains(twin)) continue;
    const std::vector<std::byte> nothing(static_cast<std::size_t>(p.size()) * size_of(p.dtype));
    const Index shape[] = {p.size()};
    writer.add_values(twin, {nothing.data(), p.dtype, p.size(), 1}, shape, p.dtype);
    zeros.push_back(twin);
  }
  if (!zeros.empty()) writer.set_metadata(zero_tensors_key, json_array(zeros));
}

UNROLL_FUNCTION void load_parameters(const SafeTensors& file, const StoredParameters& parameters) {
  std::set<std::string, std::less<>> used;
  check_parameters(file, "", parameters, true, used);
  for (const std::string& name : zero_tensors(file)) {
    const auto bytes = file.tensor(name).bytes;
    require<FormatError>(std::ranges::all_of(bytes, [](std::byte b) { return b == std::byte{0}; }), file.source,
                         ": tensor ", quote(name), " is listed as zeros and is not");
    used.insert(name);  // a model with both biases has read it as any other
  }
  for (const auto& [name, tensor] : file.tensors)
    require<FormatError>(used.contains(name), file.source, ": the model has no place for tensor ", quote(name), " ",
                         describe_tensor(tensor));
  read_parameters(file, "", parameters);
}

}  // namespace detail

UNROLL_FUNCTION std::vector<std::string> zero_tensors(const SafeTensors& file) {
  const auto found = file.metadata.find(zero_tensors_key);
  if (found == file.metadata.end()) return {};
  const std::string where = concat_text(file.source, ": metadata ", zero_tensors_key);
  auto names = detail::JsonArray<std::string>::read(found->second, where);
  std::set<std::string_view> seen;
  for (const std::string& name : names)
    require<FormatError>(seen.insert(name).second, where, ": the name ", detail::quote(name), " stands twice");
  return names;
}

}  // namespace unroll::inline UNROLL_ABI
