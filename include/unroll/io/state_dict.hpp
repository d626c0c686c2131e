// PyTorch's state dictionaries: into models under other names and of other types, and back.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <unroll/file/safetensors.hpp>
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
/// The parameters of a copy, which may be half read where this throws.
UNROLL_API void load_state_dict(const SafeTensors& file, const StoredParameters& parameters,
                                const StateDictOptions& options);
UNROLL_API void save_state_dict(const std::filesystem::path& path, const StoredParameters& parameters,
                                const StateDictOptions& options);
}  // namespace detail

/// Reads every parameter of the model from a file that PyTorch wrote (`safetensors.torch.save_file(module.state_dict(),
/// path)`): nn.RNN, LSTM, GRU of any number of layers and directions (a Stack, a Bidirectional), Embedding, Linear.
/// Elements may be F32, F64, F16 or BF16 and are rounded to the model's type. Strict: throws FormatError with the file,
/// the tensor, what was got and expected for the first that is missing, has another shape, holds a number that is not
/// finite, or has no place in the model. The model is then as it was.
template <Visitable M> void load_state_dict(const SafeTensors& file, M& model, const StateDictOptions& options = {}) {
  M read = model;
  detail::load_state_dict(file, detail::stored_parameters(read), options);
  model = std::move(read);
}
template <Visitable M>
void load_state_dict(const std::filesystem::path& path, M& model, const StateDictOptions& options = {}) {
  load_state_dict(read_safetensors(path), model, options);
}

/// Tensors from a JSON object of names to lists, as `json.dump({k: v.tolist() for k, v in
/// module.state_dict().items()})` writes it and RTNeural's PyTorch helpers read it. In float. Throws FormatError for
/// more than two dimensions.
UNROLL_API SafeTensors read_state_dict_json(const std::filesystem::path& path);

/// Writes the parameters under the names that a PyTorch module gives them, and nothing else (`save` says more), for
/// `module.load_state_dict(safetensors.torch.load_file(path))`. A second bias that PyTorch wants and the model lacks is
/// written as zeros. Throws std::invalid_argument for a parameter that is not finite or too large for the type.
template <Visitable M>
void save_state_dict(const std::filesystem::path& path, const M& model, const StateDictOptions& options = {}) {
  detail::save_state_dict(path, detail::stored_parameters(model), options);
}

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/io/state_dict.ipp>
#endif
