// Bodies of train/checkpoint.hpp.
#pragma once

#include <unroll/io/checkpoint.hpp>
#include <unroll/train/checkpoint.hpp>

namespace unroll::inline UNROLL_ABI {

UNROLL_FUNCTION void CheckpointFile::save(const Record& record) {
  CheckpointWriter writer;
  for (const auto& [name, value] : record.values())
    std::visit([&, &key = name](const auto& of) { writer.add(key, of); }, value);
  writer.save(path_);
}

UNROLL_FUNCTION Record CheckpointFile::load() {
  const SafeTensors file = read_safetensors(path_);
  Checkpoint checkpoint(file);
  Record record;
  record.set_source(file.source);
  for (const auto& [name, tensor] : file.tensors) {
    if (tensor.rank() == 2 && tensor.dtype == Dtype::f32)
      record.set(name, checkpoint.get<Matrix<float>>(name));
    else if (tensor.rank() == 2)
      record.set(name, checkpoint.get<Matrix<double>>(name));
    else if (tensor.dtype == Dtype::i64)
      record.set(name, checkpoint.get<std::vector<std::int64_t>>(name));
    else
      record.set(name, checkpoint.get<std::vector<double>>(name));
  }
  for (const auto& [key, text] : file.metadata) {
    if (!key.starts_with(detail::value_prefix)) continue;
    const std::string name = key.substr(detail::value_prefix.size());
    record.check(!record.contains(name), "two values are called '", name, "'");
    record.set(name, text);
  }
  return record;
}

UNROLL_FUNCTION std::shared_ptr<RunStore> checkpoint_file(std::filesystem::path path) {
  return std::make_shared<CheckpointFile>(std::move(path));
}

}  // namespace unroll::inline UNROLL_ABI
