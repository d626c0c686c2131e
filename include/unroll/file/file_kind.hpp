// What a file is, by its first bytes: for those who open one of another kind than the one they meant.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <unroll/core/config.hpp>

namespace unroll::inline UNROLL_ABI {

/// The kinds that are told apart. `unknown` is everything else, text of any form too.
enum class FileKind : std::uint8_t {
  unknown,
  empty,
  safetensors,
  json,
  torch_zip,
  keras_zip,
  numpy_zip,
  zip,
  pickle,
  hdf5,
  numpy,
  gzip,
  compressed,
  onnx,
  tensorflow,
  tflite,
  gguf,
  git_lfs,
  html,
  xml,
  utf16,
  audio,
  picture
};

/// By the first bytes, of which 512 are enough: all of the file, or its beginning.
UNROLL_API FileKind file_kind(std::span<const std::byte> bytes);

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/file/file_kind.ipp>
#endif
