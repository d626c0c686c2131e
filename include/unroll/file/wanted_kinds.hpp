// Reading a file only if it is of a kind that somebody wants.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <unroll/core/error.hpp>
#include <unroll/file/file_kind.hpp>
#include <unroll/file/read_file.hpp>

namespace unroll::inline UNROLL_ABI::detail {

struct FileKindText {
  std::string_view what, advice;
};
inline FileKindText text_of(FileKind kind) {
  switch (kind) {
    case FileKind::empty:
      return {"an empty file", "copy or download it again"};
    case FileKind::safetensors:
      return {"safetensors", "load_network, load_model, load_state_dict and read_safetensors read it"};
    case FileKind::json:
      return {"JSON", "load_network reads networks of other programs in it, read_state_dict_json lists of numbers"};
    case FileKind::torch_zip:
      return {"a zip archive of torch.save (.pt, .pth)",
              "in Python, safetensors.torch.save_file(module.state_dict(), path) writes what load_state_dict reads"};
    case FileKind::keras_zip:
      return {"a zip archive of Keras (.keras)", "tools/keras_convert.py makes safetensors of it"};
    case FileKind::numpy_zip:
      return {"a zip archive of NumPy (.npz)", "in Python, safetensors.numpy.save_file(dict(numpy.load(path)), path)"};
    case FileKind::zip:
      return {"a zip archive", "unpack it first"};
    case FileKind::pickle:
      return {"a Python pickle, as torch.save wrote it before version 1.6 (.pt, .pth)",
              "in Python, safetensors.torch.save_file(module.state_dict(), path) writes what load_state_dict reads"};
    case FileKind::hdf5:
      return {"HDF5 (.h5)", "tools/keras_convert.py makes safetensors of a Keras model in it"};
    case FileKind::numpy:
      return {"an array of NumPy (.npy)", "in Python, safetensors.numpy.save_file({name: numpy.load(path)}, path)"};
    case FileKind::gzip:
      return {"compressed by gzip (.gz)", "unpack it first: gunzip"};
    case FileKind::compressed:
      return {"a compressed file or an archive", "unpack it first"};
    case FileKind::onnx:
      return {"ONNX", "tools/onnx_convert.py makes safetensors of it"};
    case FileKind::tensorflow:
      return {"a SavedModel of TensorFlow", "in Keras, model.save('model.keras'), then tools/keras_convert.py"};
    case FileKind::tflite:
      return {"a model of TensorFlow Lite", "take the Keras model it was made from, and tools/keras_convert.py"};
    case FileKind::gguf:
      return {"GGUF, of llama.cpp", "it holds language models, which are not recurrent networks"};
    case FileKind::git_lfs:
      return {"a pointer of Git LFS, not the file itself", "git lfs pull fetches it"};
    case FileKind::html:
      return {"an HTML page, as a server sends instead of a file", "download it again: the address of the raw file"};
    case FileKind::xml:
      return {"XML", "no reader here knows it"};
    case FileKind::utf16:
      return {"text in UTF-16", "save it as UTF-8"};
    case FileKind::audio:
      return {"a recording", "expected a model"};
    case FileKind::picture:
      return {"a picture or a document", "expected a model"};
    case FileKind::unknown:
      break;
  }
  return {"an unknown kind of file", ""};
}

/// Throws FormatError, saying what the file is and what reads it, unless it may be one of the wanted kinds: a file of
/// which nothing is known goes on to the reader, which knows where it fails.
inline void refuse_other_kinds(std::span<const std::byte> bytes, std::string_view source,
                               std::initializer_list<FileKind> wanted) {
  const FileKind kind = file_kind(bytes);
  if (kind == FileKind::unknown || std::ranges::find(wanted, kind) != wanted.end()) return;
  std::string expected;
  for (const FileKind of : wanted) expected += concat_text(expected.empty() ? "" : " or ", text_of(of).what);
  const auto [what, advice] = text_of(kind);
  fail<FormatError>(source, ": this is ", what, ", expected ", expected, "; ", advice);
}

/// The bytes of a file that begins as one of the wanted kinds does. Of others, which may be of any size, only the
/// beginning is read.
inline std::vector<std::byte> read_file_of(const std::filesystem::path& path, std::initializer_list<FileKind> wanted) {
  return read_file(
      path, [&](std::span<const std::byte> head, std::uint64_t) { refuse_other_kinds(head, path.string(), wanted); });
}

}  // namespace unroll::inline UNROLL_ABI::detail
