#include <fstream>

#include <unroll/file/file_kind.hpp>
#include <unroll/format/guitarml.hpp>
#include <unroll/format/load_network.hpp>
#include <unroll/format/nam.hpp>
#include <unroll/format/rtneural.hpp>
#include <unroll/io/checkpoint.hpp>
#include <unroll/io/model_file.hpp>
#include <unroll/io/state_dict.hpp>
#include <unroll/layer/dense.hpp>
#include <unroll/layer/sequential.hpp>

#include "support.hpp"

using namespace unroll;

namespace file_kinds {  // several files are compiled as one

template <std::size_t N> std::string raw(const char (&text)[N]) { return {text, N - 1}; }
std::string zip_of(std::string_view name) {
  return raw("PK\x03\x04\x14\0\0\0\0\0\0\0\0\0") + std::string(12, '\0') + static_cast<char>(name.size()) +
         raw("\0\0\0") + std::string(name) + "contents";
}

struct Foreign {
  FileKind kind;
  std::string bytes;
  std::string_view says;
};
const std::vector<Foreign>& foreign_files() {
  static const std::vector<Foreign> files{
      {FileKind::empty, "", "an empty file"},
      {FileKind::torch_zip, zip_of("archive/data.pkl"), "torch.save (.pt, .pth)"},
      {FileKind::torch_zip, zip_of("model/data.pkl"), "safetensors.torch.save_file"},
      {FileKind::keras_zip, zip_of("config.json"), "tools/keras_convert.py"},
      {FileKind::keras_zip, zip_of("metadata.json"), "Keras (.keras)"},
      {FileKind::numpy_zip, zip_of("arr_0.npy"), "NumPy (.npz)"},
      {FileKind::zip, zip_of("readme.txt"), "a zip archive"},
      {FileKind::zip, "PK\x03\x04", "a zip archive"},
      {FileKind::pickle, raw("\x80\x02}q\0X\x01\0\0\0wq\x01"), "a Python pickle"},
      {FileKind::hdf5, raw("\x89HDF\r\n\x1a\n\0\0\0\0"), "HDF5"},
      {FileKind::numpy, raw("\x93NUMPY\x01\0v\0"), "NumPy (.npy)"},
      {FileKind::gzip, raw("\x1f\x8b\x08\0\0\0\0\0"), "gunzip"},
      {FileKind::compressed, raw("\xFD\x37zXZ\0\0\4"), "compressed"},
      {FileKind::compressed, "BZh91AY&SY", "compressed"},
      {FileKind::onnx,
       raw("\x08\x08\x12\x07pytorch\x1a\x05"
           "1.9.0:\x01\x01"),
       "tools/onnx_convert.py"},
      {FileKind::tensorflow, raw("\x08\x01\x12\x20\x0a"), "TensorFlow"},
      {FileKind::tflite, raw("\x1c\0\0\0TFL3\x14\0"), "TensorFlow Lite"},
      {FileKind::gguf, raw("GGUF\x03\0\0\0"), "GGUF"},
      {FileKind::git_lfs, "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "git lfs pull"},
      {FileKind::html, "\n\n<!DOCTYPE html><html></html>", "HTML"},
      {FileKind::html, "\xEF\xBB\xBF<HTML>", "HTML"},
      {FileKind::xml, "<?xml version=\"1.0\"?>", "XML"},
      {FileKind::utf16, raw("\xFF\xFE{\0\"\0"), "UTF-16"},
      {FileKind::utf16, raw("\0{\0\""), "UTF-16"},
      {FileKind::audio, raw("RIFF\x24\0\0\0WAVEfmt "), "a recording"},
      {FileKind::picture, "%PDF-1.7\n", "a picture or a document"},
  };
  return files;
}

}  // namespace file_kinds

TEST_CASE("the first bytes tell what a file is") {
  for (const auto& [kind, bytes, says] : file_kinds::foreign_files()) {
    CAPTURE(says);
    CHECK(file_kind(bytes_of(bytes)) == kind);
  }
  CHECK(file_kind(bytes_of("{\"layers\": []}")) == FileKind::json);
  CHECK(file_kind(bytes_of("\xEF\xBB\xBF  [1]")) == FileKind::json);
  CHECK(file_kind(SafeTensorsWriter().bytes()) == FileKind::safetensors);
  CHECK(file_kind(bytes_of("good\t1\n")) == FileKind::unknown);
  CHECK(file_kind(bytes_of("\x08")) == FileKind::unknown);
  CHECK(file_kind(bytes_of("   ")) == FileKind::unknown);
}

TEST_CASE("every reader says what a file of another kind is, and what reads it") {
  const TemporaryFolder folder;
  const auto path = folder / "model.any";
  const auto make = [](const ModelInfo&) { return Sequential{Dense{1, 1}}; };
  for (const auto& [kind, bytes, says] : file_kinds::foreign_files()) {
    CAPTURE(says);
    std::ofstream(path, std::ios::binary) << bytes;
    Dense<> dense(1, 1);
    const std::pair<const char*, std::string> messages[] = {
        {"read_safetensors", message_of([&] { read_safetensors(path); })},
        {"load", message_of([&] { load(make, path); })},
        {"load_model", message_of([&] { load_model(make, path); })},
        {"read_model_info", message_of([&] { read_model_info(path); })},
        {"load_state_dict", message_of([&] { load_state_dict(path, dense); })},
        {"Checkpoint", message_of([&] { Checkpoint{path}; })},
        {"load_network", message_of([&] { load_network(path); })},
        {"read_rtneural", message_of([&] { read_rtneural(path); })},
        {"read_guitarml", message_of([&] { read_guitarml(path); })},
        {"read_nam", message_of([&] { read_nam(path); })},
        {"read_state_dict_json", message_of([&] { read_state_dict_json(path); })}};
    for (const auto& [reader, message] : messages) {
      CAPTURE(reader);
      check_mentions(message, {path.string(), "this is ", says, "expected "});
    }
  }
}

TEST_CASE("one format where another is expected: its reader is named") {
  const TemporaryFolder folder;
  std::ofstream(folder / "a.json") << R"({"layers": []})";
  SafeTensorsWriter().save(folder / "a.safetensors");
  check_mentions(message_of([&] { read_safetensors(folder / "a.json"); }),
                 {"a.json: this is JSON, expected safetensors", "load_network", "read_state_dict_json"});
  check_mentions(message_of([&] { read_nam(folder / "a.safetensors"); }),
                 {"a.safetensors: this is safetensors, expected JSON", "load_network"});
}

TEST_CASE("of a file that is something else only the beginning is read") {
  const TemporaryFolder folder;
  constexpr std::uint64_t terabyte = std::uint64_t{1} << 40;
  const auto sparse = [&](const char* name, const std::vector<std::byte>& begin) {
    std::ofstream(folder / name, std::ios::binary)
        .write(reinterpret_cast<const char*>(begin.data()), static_cast<std::streamsize>(begin.size()));
    std::filesystem::resize_file(folder / name, terabyte);  // of zeros that take no room on the disk
    return folder / name;
  };
  SafeTensorsWriter writer;
  writer.add("a", Matrix<float>(Matrix<float>::Zero(2, 3)));
  check_mentions(message_of([&] { load_network(sparse("zip", bytes_of(file_kinds::zip_of("a.pkl")))); }), {"zip"});
  check_mentions(message_of([&] { read_safetensors(sparse("zeros", {})); }), {"zeros", "not safetensors"});
  check_mentions(message_of([&] { read_safetensors(sparse("behind", writer.bytes())); }), {"behind the last tensor"});
}

TEST_CASE("what is no file with contents is refused by every reader") {
  const TemporaryFolder folder;
  for (const auto& path : {folder.path(), folder / "nowhere", std::filesystem::path("/dev/zero")}) {
    CAPTURE(path.string());
    check_mentions(message_of([&] { read_safetensors(path); }), {path.string(), "cannot read"});
    check_mentions(message_of([&] { load_network(path); }), {path.string(), "cannot read"});
    check_mentions(message_of([&] { read_nam(path); }), {path.string(), "cannot read"});
    check_mentions(message_of([&] { read_state_dict_json(path); }), {path.string(), "cannot read"});
    check_mentions(message_of([&] { Checkpoint{path}; }), {path.string(), "cannot read"});
  }
}
