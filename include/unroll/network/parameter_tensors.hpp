// Parameters and the tensors of their names.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include <unroll/core/finite.hpp>
#include <unroll/file/safetensors.hpp>
#include <unroll/file/safetensors_writer.hpp>
#include <unroll/file/tensor_text.hpp>
#include <unroll/network/stored_parameters.hpp>

namespace unroll::inline UNROLL_ABI::detail {

/// f(numbers) with a pointer to the parameter's numbers, of their own type.
template <class F> void with_numbers(const StoredParameter& p, F&& f) {
  switch (p.dtype) {
    case Dtype::f64:
      return f(static_cast<double*>(p.data));
    case Dtype::i32:
      return f(static_cast<std::int32_t*>(p.data));
    case Dtype::i64:
      return f(static_cast<std::int64_t*>(p.data));
    default:
      return f(static_cast<float*>(p.data));
  }
}
/// -1: all are finite.
inline Index first_not_finite(const StoredParameter& p) {
  Index first = -1;
  with_numbers(p, [&](const auto* numbers) {
    for (Index k = 0; k < p.size() && first < 0; ++k)
      if (!has_finite_bits(numbers[k])) first = k;
  });
  return first;
}
inline void add_parameter(SafeTensorsWriter& writer, std::string_view name, const StoredParameter& p) {
  writer.add_values(name, {p.data, p.dtype, p.rows, p.cols, p.is_table}, p.shape, p.dtype);
}
inline void read_parameter(const Tensor& tensor, const StoredParameter& p, std::string_view where) {
  with_numbers(p, [&](auto* numbers) { read_elements(tensor, p.is_table, numbers, p.rows, p.cols, where); });
}

/// Throws FormatError for the first parameter whose tensor is missing or of another type or shape, or, if `finite` is
/// asked for, holds a number that is not. Adds the names to `used`.
inline void check_parameters(const SafeTensors& file, std::string_view prefix, const StoredParameters& parameters,
                             bool finite, std::set<std::string, std::less<>>& used) {
  for (const StoredParameter& p : parameters) {
    const std::string name = concat_text(prefix, p.path);
    const std::string expected = describe_tensor(name_of(p.dtype), p.shape);
    const auto found = file.tensors.find(name);
    if (found == file.tensors.end())
      fail<FormatError>(file.source, ": no tensor '", name, "', expected ", expected,
                        nearest_names(name, file.tensors));
    const Tensor& tensor = found->second;
    const std::string got = describe_tensor(tensor);
    require<FormatError>(got == expected, file.source, ": tensor '", name, "': got ", got, ", expected ", expected);
    require(used.emplace(name).second, "unroll: two parameters of the model are called '", name, "'");
    if (finite && is_floating_point(tensor.dtype))
      with_element_reader(tensor.dtype, [&](auto read) {
        const std::size_t width = size_of(tensor.dtype);
        for (std::size_t k = 0; k < tensor.bytes.size() / width; ++k)
          require<FormatError>(has_finite_bits(read(tensor.bytes.data() + k * width)), file.source, ": tensor '", name,
                               "': element ", k, " is not a finite number");
      });
  }
}
/// What has been checked.
inline void read_parameters(const SafeTensors& file, std::string_view prefix, const StoredParameters& parameters) {
  for (const StoredParameter& p : parameters) read_parameter(file.tensor(concat_text(prefix, p.path)), p, file.source);
}

}  // namespace unroll::inline UNROLL_ABI::detail
