// Runs on disk: killed at any moment, a run goes on with the same bits.
#pragma once

#include <filesystem>
#include <memory>
#include <utility>

#include <unroll/train/run_store.hpp>

namespace unroll::inline UNROLL_ABI {

/// A run in one safetensors file, replaced as a whole. See `checkpoint_file`.
class UNROLL_API CheckpointFile final : public RunStore {
 public:
  explicit CheckpointFile(std::filesystem::path path) : path_(std::move(path)) {}

  // Inline here already: a class whose virtual functions become so later has its table, and all that it calls, made by
  // every file that includes this.
  UNROLL_FUNCTION void save(const Record& record) override;
  UNROLL_FUNCTION Record load() override;

 private:
  std::filesystem::path path_;
};

/// `fit(.., {.checkpoint = checkpoint_file("run.safetensors"), .checkpoint_every = 500})`, and to go on with it
/// `.resume = checkpoint_file("run.safetensors")`. Errors are FormatError naming the file, and come before the model or
/// the optimizer has changed: counters that no run of these options can have, weights that are not finite, values that
/// are missing, too many, or of another shape.
UNROLL_API std::shared_ptr<RunStore> checkpoint_file(std::filesystem::path path);

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/train/checkpoint.ipp>
#endif
