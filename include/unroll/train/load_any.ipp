// Bodies of train/load_any.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <unroll/core/error.hpp>
#include <unroll/file/read_file.hpp>
#include <unroll/file/wanted_kinds.hpp>
#include <unroll/format/load_network.hpp>
#include <unroll/format/network_file.hpp>
#include <unroll/io/model_keys.hpp>
#include <unroll/train/load_any.hpp>
#include <unroll/train/predict.hpp>

namespace unroll::inline UNROLL_ABI {

UNROLL_FUNCTION bool LoadedAny::takes_tokens() const {
  return std::visit([](const auto& of) { return of.takes_tokens(); }, model);
}
UNROLL_FUNCTION Matrix<float> LoadedAny::infer(std::span<const std::int32_t> ids) const {
  return std::visit([&](const auto& of) { return unroll::infer(of, ids); }, model);
}
UNROLL_FUNCTION Matrix<float> LoadedAny::infer(std::string_view text) const {
  require(info.vocabulary.has_value(), info.source, ": the file has no vocabulary, so its model takes no texts");
  const auto ids = info.vocabulary->encode(text);
  return infer(std::span<const std::int32_t>(ids));
}
UNROLL_FUNCTION Matrix<float> LoadedAny::infer(const Matrix<float>& x) const {
  return std::visit([&](const auto& of) { return unroll::infer(of, x); }, model);
}

namespace detail {
inline Matrix<float> probabilities_of(Matrix<float> logits) {
  to_probabilities(logits);
  return logits;
}
}  // namespace detail
UNROLL_FUNCTION Matrix<float> LoadedAny::predict(std::span<const std::int32_t> ids) const {
  return detail::probabilities_of(infer(ids));
}
UNROLL_FUNCTION Matrix<float> LoadedAny::predict(std::string_view text) const {
  return detail::probabilities_of(infer(text));
}
UNROLL_FUNCTION Matrix<float> LoadedAny::predict(const Matrix<float>& x) const {
  return detail::probabilities_of(infer(x));
}

namespace detail {

inline void make_any(const Network& network, MakeFormed<float> make, LoadedAny& to) {
  const auto fill = [&](auto& model) {
    model.layers = make_layers<float>(network, make);
    assign(network, model);
  };
  if (network.has_final_state())
    fill(to.model.emplace<1>());
  else
    fill(to.model.emplace<0>());
}
/// What a stream or `run_network` applies, and a model of layers has not.
inline void refuse_gains(const Network& network) {
  require<FormatError>(!network.skip && network.input_gain == 1 && network.output_gain == 1, network.source,
                       ": the network has a skip or gains, which a model of layers does not have; load_network and ",
                       "stream::AnyModel apply them");
}
inline LoadedAny load_any_safetensors(const SafeTensors& file, const std::vector<Tokenizer>& known, KindTable kinds,
                                      MakeFormed<float> make) {
  LoadedAny loaded;
  loaded.info.source = file.source;
  if (file.metadata.contains(model_format_key)) loaded.info = read_info(file, known);
  const Network network = untested_network(file, kinds);
  refuse_gains(network);
  if (loaded.info.vocabulary) {
    require<FormatError>(network.takes_tokens(), file.source, ": a vocabulary, but the model takes no token ids");
    const Index tokens = describe_layer(network.layers.front()).tokens();
    require<FormatError>(loaded.info.vocabulary->size() <= tokens, file.source, ": the vocabulary has ",
                         loaded.info.vocabulary->size(), " entries, the model's embedding ", tokens);
  }
  make_from_file(file, [&] { make_any(network, make, loaded); });
  check_test_vector(file, [&](const TestInput& input, TestOutput& output) {
    std::visit([&](const auto& model) { output = run_test(model, input); }, loaded.model);
  });
  return loaded;
}

UNROLL_FUNCTION LoadedAny load_any(std::vector<std::byte> bytes, const std::string& source,
                                   const std::vector<Tokenizer>& known, KindTable kinds, MakeFormed<float> make) {
  if (is_safetensors(bytes)) return load_any_safetensors(SafeTensors(std::move(bytes), source), known, kinds, make);
  const Network network = load_network(std::span<const std::byte>(bytes), source, kinds);
  refuse_gains(network);
  LoadedAny loaded;
  loaded.info.source = source;
  make_any(network, make, loaded);
  return loaded;
}
UNROLL_FUNCTION LoadedAny load_any(const std::filesystem::path& path, const std::vector<Tokenizer>& known,
                                   KindTable kinds, MakeFormed<float> make) {
  return load_any(read_file_of(path, {FileKind::safetensors, FileKind::json}), path.string(), known, kinds, make);
}

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI
