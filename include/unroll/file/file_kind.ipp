// Bodies of file/file_kind.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <unroll/file/dtype.hpp>
#include <unroll/file/file_kind.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {

inline constexpr std::size_t file_kind_bytes = 512;  ///< as many of the first are enough

inline bool begins(std::string_view text, std::string_view with) { return text.starts_with(with); }
/// A string literal with bytes of any value, zeros too.
template <std::size_t N> constexpr std::string_view bytes_text(const char (&text)[N]) { return {text, N - 1}; }

/// By the name of the archive's first file.
inline FileKind zip_kind(std::string_view head) {
  if (head.size() < 30) return FileKind::zip;
  const auto length = load_bytes<std::uint16_t>(reinterpret_cast<const std::byte*>(head.data()) + 26);
  const std::string_view name = head.substr(30, length);
  if (name.ends_with("data.pkl") || name.ends_with("/version") || name.ends_with("/byteorder") ||
      name.find("/data/") != std::string_view::npos || begins(name, "archive/"))
    return FileKind::torch_zip;
  if (name == "config.json" || name == "metadata.json" || name == "model.weights.h5" || begins(name, "assets/"))
    return FileKind::keras_zip;
  return name.ends_with(".npy") ? FileKind::numpy_zip : FileKind::zip;
}

/// Of what may be text: `head` without a byte order mark and white space in front.
inline FileKind text_kind(std::string_view head) {
  std::string lower(head.substr(0, 64));
  std::ranges::transform(lower, lower.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; });
  if (begins(lower, "{") || begins(lower, "[")) return FileKind::json;
  if (begins(lower, "version https://git-lfs")) return FileKind::git_lfs;
  if (begins(lower, "<!doctype html") || begins(lower, "<html") || begins(lower, "<head") || begins(lower, "<body"))
    return FileKind::html;
  return begins(lower, "<?xml") || begins(lower, "<!") ? FileKind::xml : FileKind::unknown;
}

}  // namespace detail

UNROLL_FUNCTION FileKind file_kind(std::span<const std::byte> bytes) {
  using detail::begins, detail::bytes_text;
  const std::string_view head(reinterpret_cast<const char*>(bytes.data()),
                              (std::min)(bytes.size(), detail::file_kind_bytes));
  if (head.empty()) return FileKind::empty;
  // The length of the header, at most 100 MB, then '{': no text has zeros there.
  if (head.size() > 8 && head[8] == '{' && head[7] == 0 && head[6] == 0 && head[5] == 0 && head[4] == 0)
    return FileKind::safetensors;
  struct Magic {
    std::string_view bytes;
    FileKind kind;
    std::size_t at = 0;
  };
  static constexpr Magic magics[] = {
      {bytes_text("\x89HDF\r\n\x1a\n"), FileKind::hdf5},
      {bytes_text("\x93NUMPY"), FileKind::numpy},
      {bytes_text("\x1f\x8b"), FileKind::gzip},
      {bytes_text("BZh"), FileKind::compressed},
      {bytes_text("\xFD\x37zXZ\0"), FileKind::compressed},
      {bytes_text("\x28\xB5\x2F\xFD"), FileKind::compressed},
      {bytes_text("\x04\x22\x4D\x18"), FileKind::compressed},
      {bytes_text("7z\xBC\xAF\x27\x1C"), FileKind::compressed},
      {bytes_text("Rar!\x1A\x07"), FileKind::compressed},
      {bytes_text("ustar"), FileKind::compressed, 257},
      {bytes_text("GGUF"), FileKind::gguf},
      {bytes_text("TFL3"), FileKind::tflite, 4},
      {bytes_text("RIFF"), FileKind::audio},
      {bytes_text("fLaC"), FileKind::audio},
      {bytes_text("OggS"), FileKind::audio},
      {bytes_text("ID3"), FileKind::audio},
      {bytes_text("FORM"), FileKind::audio},
      {bytes_text("\x89PNG\r\n"), FileKind::picture},
      {bytes_text("\xFF\xD8\xFF"), FileKind::picture},
      {bytes_text("GIF8"), FileKind::picture},
      {bytes_text("%PDF"), FileKind::picture},
      {bytes_text("\xFF\xFE"), FileKind::utf16},
      {bytes_text("\xFE\xFF"), FileKind::utf16},
      {bytes_text("{\0"), FileKind::utf16},
      {bytes_text("\0{"), FileKind::utf16},
      {bytes_text("\x08\x01\x12"),
       FileKind::tensorflow},  // a protobuf whose first field, 1, is the version of the schema
  };
  for (const Magic& magic : magics)
    if (head.size() > magic.at && begins(head.substr(magic.at), magic.bytes)) return magic.kind;
  if (begins(head, "PK\x03\x04") || begins(head, "PK\x05\x06")) return detail::zip_kind(head);
  if (head.size() > 1 && head[0] == '\x80' && head[1] >= 2 && head[1] <= 5) return FileKind::pickle;
  // ONNX is a protobuf, too: the version, at most 31 in one byte, then the name of a producer, a domain, a model
  // version, a text or the graph.
  if (head.size() > 2 && head[0] == '\x08' && head[1] > 0 && head[1] < 32 &&
      bytes_text("\x12\x1a\x22\x28\x32\x3a\x42").find(head[2]) != std::string_view::npos)
    return FileKind::onnx;
  std::string_view text = head;
  if (begins(text, "\xEF\xBB\xBF")) text.remove_prefix(3);
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  return first == std::string_view::npos ? FileKind::unknown : detail::text_kind(text.substr(first));
}

}  // namespace unroll::inline UNROLL_ABI
