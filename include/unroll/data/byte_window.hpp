// What comes next in a file of text or numbers, as a window onto its bytes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <unroll/core/error.hpp>
#include <unroll/data/byte_source.hpp>

namespace unroll::inline UNROLL_ABI::detail {

/// Takes bytes off the front of a source. What it gives is valid until the next call. Memory is linear in the longest
/// piece that was asked for.
class ByteWindow {
 public:
  ByteWindow(std::string name, ByteSource source) : name_(std::move(name)), source_(std::move(source)) {}

  bool at_end() { return peek(1).empty(); }
  /// The next `count` bytes, which stay; fewer only at the end.
  std::string_view peek(std::size_t count) {
    while (filled_ - at_ < count && fill()) {
    }
    return rest().substr(0, count);
  }
  /// The next `count` bytes; fewer only at the end.
  std::string_view take(std::size_t count) {
    const std::string_view bytes = peek(count);
    at_ += bytes.size();
    return bytes;
  }
  struct Piece {
    std::string_view bytes;
    bool ended = false;  ///< false: the file ended first
  };
  /// All up to the next `last`, which is taken away; nothing where more than `most` bytes come before it.
  std::optional<Piece> take_until(char last, std::size_t most) {
    for (std::size_t searched = 0; searched <= most;) {
      const std::string_view bytes = rest();
      const void* const found =
          bytes.size() > searched ? std::memchr(bytes.data() + searched, last, bytes.size() - searched) : nullptr;
      const auto size =
          found != nullptr ? static_cast<std::size_t>(static_cast<const char*>(found) - bytes.data()) : bytes.size();
      if (size > most) break;
      if (found == nullptr && fill()) {
        searched = size;
        continue;
      }
      const std::string_view piece = rest().substr(0, size);  // anew: fill moves what there is
      at_ += size + (found != nullptr ? 1 : 0);
      return Piece{piece, found != nullptr};
    }
    return std::nullopt;
  }

 private:
  std::string_view rest() const { return std::string_view(bytes_).substr(at_, filled_ - at_); }
  /// Whether there was more.
  bool fill() {
    if (at_ > 0) std::memmove(bytes_.data(), bytes_.data() + at_, filled_ - at_);
    filled_ -= std::exchange(at_, 0);
    if (filled_ == bytes_.size()) bytes_.resize((std::max)(2 * bytes_.size(), std::size_t{1} << 16));
    const std::span<char> room = std::span(bytes_).subspan(filled_);
    const std::size_t count = source_(std::as_writable_bytes(room));
    require(count <= room.size(), name_, ": its source gave ", count, " bytes, asked for ", room.size());
    filled_ += count;
    return count > 0;
  }

  std::string name_;
  ByteSource source_;
  std::string bytes_;
  std::size_t at_ = 0, filled_ = 0;  // what comes next: bytes_[at_] .. bytes_[filled_ - 1]
};

}  // namespace unroll::inline UNROLL_ABI::detail
