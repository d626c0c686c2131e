// A state dictionary of PyTorch in safetensors, or of numbers in JSON, into a model with other names.
#include <unroll/cell/gru.hpp>
#include <unroll/file/json_value.hpp>
#include <unroll/io/json_tensors.hpp>
#include <unroll/io/state_dict.hpp>
#include <unroll/layer/dense.hpp>
#include <unroll/layer/final_state.hpp>
#include <unroll/layer/recurrent.hpp>
#include <unroll/layer/sequential.hpp>

#include "fuzz.hpp"
#include "mutate.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace unroll;
  static const Sequential model{FinalState{Recurrent{Gru{1, 2}}}, Dense{2, 1}};
  static const StateDictOptions options{.names = {{"rnn.", "0."}, {"fc.", "1."}}, .ignore = {"*.extra*", "mask"}};
  return fuzz::read_or_refuse(size, [&] {
    const auto bytes = fuzz::bytes_of(data, size);
    auto read = model;
    if (file_kind(bytes) == FileKind::safetensors) return load_state_dict(SafeTensors(bytes, "file"), read, options);
    const detail::Json tree = detail::parse_json(bytes, "file");
    load_state_dict(detail::tensors_from_json(detail::JsonAt(tree, "file")), read, options);
  });
}
