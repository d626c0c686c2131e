// Compressed files. The one header of the library that needs zlib: include it where you want it, and link with -lz.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <zlib.h>

#include <unroll/core/error.hpp>
#include <unroll/data/byte_source.hpp>
#include <unroll/file/read_file.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {

/// A file, decompressed while it is read if its first bytes are those of a .gz. Such a file may have several members
/// and zeros behind them.
class GzipFile {
 public:
  explicit GzipFile(const std::filesystem::path& path) : file_(path) {
    refill();
    compressed_ = input_.size() >= 2 && input_[0] == std::byte{0x1F} && input_[1] == std::byte{0x8B};
    if (!compressed_) return;
    constexpr int gzip_only = 16 + MAX_WBITS;
    inflater_.reset(new z_stream{});
    check(inflateInit2(inflater_.get(), gzip_only) == Z_OK);
  }

  std::size_t read(std::span<std::byte> to) {
    std::size_t done = 0;
    while (done < to.size()) {
      const std::size_t count = compressed_ ? inflate_some(to.subspan(done)) : copy_some(to.subspan(done));
      if (count == 0) break;
      done += count;
    }
    return done;
  }

 private:
  struct End {
    void operator()(z_stream* inflater) const {
      inflateEnd(inflater);
      delete inflater;
    }
  };

  /// Whether there are bytes in `input_`, after the next block was read if there were none.
  bool refill() {
    if (input_.empty()) input_ = std::span(block_).first(file_.read(block_));
    return !input_.empty();
  }
  std::size_t copy_some(std::span<std::byte> to) {
    if (input_.empty()) return file_.read(to);
    const std::size_t count = (std::min)(to.size(), input_.size());
    std::ranges::copy(input_.first(count), to.begin());
    input_ = input_.subspan(count);
    return count;
  }
  /// At least one byte, none at the end.
  std::size_t inflate_some(std::span<std::byte> to) {
    const auto room = static_cast<uInt>((std::min)(to.size(), std::size_t{1} << 30));
    inflater_->next_out = reinterpret_cast<Bytef*>(to.data());
    inflater_->avail_out = room;
    while (inflater_->avail_out == room && begin_member()) {
      if (!refill()) fail<FormatError>(file_.path().string(), ": cannot decompress: it ends too early");
      inflater_->next_in = reinterpret_cast<Bytef*>(input_.data());
      inflater_->avail_in = static_cast<uInt>(input_.size());
      const int result = inflate(inflater_.get(), Z_NO_FLUSH);
      input_ = input_.last(inflater_->avail_in);
      check(result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR);
      in_member_ = result != Z_STREAM_END;
    }
    return room - inflater_->avail_out;
  }
  /// Goes on to the next member if one has ended; false at the end of the file.
  bool begin_member() {
    if (in_member_) return true;
    while (refill() && input_[0] == std::byte{0}) input_ = input_.subspan(1);
    if (input_.empty()) return false;
    check(inflateReset(inflater_.get()) == Z_OK);
    return in_member_ = true;
  }
  void check(bool fine) const {
    if (fine) return;
    const char* const why = inflater_->msg;
    fail<FormatError>(file_.path().string(), ": cannot decompress: ", why != nullptr ? why : "out of memory");
  }

  InputFile file_;
  std::vector<std::byte> block_ = std::vector<std::byte>(std::size_t{1} << 16);
  std::span<std::byte> input_;  // what of the block has not been used
  std::unique_ptr<z_stream, End> inflater_;
  bool compressed_ = false, in_member_ = true;
};

struct ReadGzipFile {
  static ByteSource open(const std::filesystem::path& path) {
    return [file = std::make_shared<GzipFile>(path)](std::span<std::byte> to) { return file->read(to); };
  }
  std::string operator()(const std::filesystem::path& path, std::uint64_t max_bytes = default_max_bytes) const {
    return read_all(open(path), path, max_bytes);
  }
};

}  // namespace detail

/// `read_gzip_file(path)`: all bytes of a file, decompressed if it is a .gz (by its first bytes, whatever its name).
/// `{.read = read_gzip_file}`: block by block, so that what a reader does not need is never unpacked. Throws
/// FormatError for what cannot be read, is damaged or ends too early, and for more than `max_bytes`, the second
/// argument, unpacked.
inline constexpr detail::ReadGzipFile read_gzip_file{};

}  // namespace unroll::inline UNROLL_ABI
