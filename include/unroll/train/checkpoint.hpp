// Runs on disk: killed at any moment, a run goes on with the same bits.
#pragma once

#include <unroll/io/checkpoint.hpp>
#include <unroll/train/callback.hpp>

namespace unroll::inline UNROLL_ABI {

/// A run in one safetensors file, replaced as a whole. See `checkpoint_file`.
class CheckpointFile final : public RunStore {
 public:
  explicit CheckpointFile(std::filesystem::path path) : path_(std::move(path)) {}

  void save(const Record& record) override {
    CheckpointWriter writer;
    for (const auto& [name, value] : record.values())
      std::visit([&, &key = name](const auto& of) { writer.add(key, of); }, value);
    writer.save(path_);
  }
  Record load() override {
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

 private:
  std::filesystem::path path_;
};

/// `fit(.., {.checkpoint = checkpoint_file("run.safetensors"), .checkpoint_every = 500})`, and to go on with it
/// `.resume = checkpoint_file("run.safetensors")`. Errors are FormatError naming the file, and come before the model or
/// the optimizer has changed: counters that no run of these options can have, weights that are not finite, values that
/// are missing, too many, or of another shape.
inline std::shared_ptr<RunStore> checkpoint_file(std::filesystem::path path) {
  return std::make_shared<CheckpointFile>(std::move(path));
}

}  // namespace unroll::inline UNROLL_ABI
