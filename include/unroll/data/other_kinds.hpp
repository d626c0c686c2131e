// Files that are no text, and what to do with them.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <unroll/core/error.hpp>

namespace unroll::inline UNROLL_ABI::detail {

/// Throws FormatError where the first bytes of a file are those of a compressed one or of UTF-16.
inline void refuse_other_kinds(const std::string& name, std::string_view bytes) {
  require<FormatError>(!bytes.starts_with("\x1F\x8B"), name,
                       ": is compressed: read it with {.read = unroll::read_gzip_file} from <unroll/data/gzip.hpp>");
  require<FormatError>(!bytes.starts_with("\xFF\xFE") && !bytes.starts_with("\xFE\xFF"), name,
                       ": is UTF-16, expected UTF-8: save it as UTF-8");
  using Kind = std::pair<std::string_view, std::string_view>;
  for (const auto& [magic, what] :
       {Kind{"PK\x03\x04", "zip"}, Kind{"BZh", "bzip2"}, Kind{"\xFD\x37zXZ", "xz"}, Kind{"\x28\xB5\x2F\xFD", "zstd"}})
    require<FormatError>(!bytes.starts_with(magic), name, ": is compressed by ", what, ": unpack it first");
}

}  // namespace unroll::inline UNROLL_ABI::detail
