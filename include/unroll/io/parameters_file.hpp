// The parameters of a model as tensors: PyTorch's names, shapes and order of elements, and strict reading.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <unroll/core/parameters.hpp>
#include <unroll/file/safetensors.hpp>
#include <unroll/file/safetensors_writer.hpp>
#include <unroll/network/stored_parameters.hpp>

namespace unroll::inline UNROLL_ABI {

/// Metadata key of the tensors that are in a file for PyTorch's sake alone: a JSON array of their names.
inline constexpr std::string_view zero_tensors_key = "unroll.zero_tensors";

namespace detail {
UNROLL_API void add_parameters(SafeTensorsWriter& writer, const StoredParameters& parameters);
UNROLL_API void load_parameters(const SafeTensors& file, const StoredParameters& parameters);
}  // namespace detail

/// Adds every parameter of the model under its path (`1.weight_ih_l0`), so that PyTorch's load_state_dict takes the
/// file. PyTorch has two biases or none: where a model has `bias_ih` alone, `bias_hh` is written as zeros and listed in
/// the metadata. Throws std::invalid_argument naming a parameter that is not finite: such a file could not be read
/// again.
template <Visitable M> void add_parameters(SafeTensorsWriter& writer, const M& model) {
  detail::add_parameters(writer, detail::stored_parameters(model));
}

/// Names, in the order of the file, that `zero_tensors_key` lists; each once.
UNROLL_API std::vector<std::string> zero_tensors(const SafeTensors& file);

/// Reads every parameter of the model from the tensor of its name. Strict: throws FormatError with the file, the
/// tensor, what was got and what expected for the first that is missing, has another type or shape, or holds a number
/// that is not finite, and for a tensor that the model has no place for. The model is then as it was.
template <Visitable M> void load_parameters(const SafeTensors& file, M& model) {
  detail::load_parameters(file, detail::stored_parameters(model));
}

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/io/parameters_file.ipp>
#endif
