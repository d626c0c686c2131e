// Compressed labelled texts: half of the inputs are compressed again after a change, so that they unpack.
#include <zlib.h>

#include <unroll/data/gzip.hpp>
#include <unroll/data/readers.hpp>

#define FUZZ_OWN_MUTATOR
#include "fuzz.hpp"
#include "mutate.hpp"

namespace {
constexpr std::size_t most_kept = 1 << 16;

/// All members of the file: the beginning of what they unpack to, and the size of it all.
struct Unpacked {
  std::string text;
  std::size_t size = 0;

  explicit Unpacked(std::string_view bytes) {
    static std::string block(most_kept, '\0');
    z_stream stream{};
    inflateInit2(&stream, 15 + 16);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream.avail_in = static_cast<uInt>(bytes.size());
    for (int status = Z_OK; status == Z_OK || (status == Z_STREAM_END && stream.avail_in > 0);) {
      if (status == Z_STREAM_END && inflateReset(&stream) != Z_OK) break;
      stream.next_out = reinterpret_cast<Bytef*>(block.data());
      stream.avail_out = static_cast<uInt>(block.size());
      status = inflate(&stream, Z_NO_FLUSH);
      const std::size_t got = block.size() - stream.avail_out;
      text.append(block, 0, std::min(got, most_kept - text.size()));
      size += got;
    }
    inflateEnd(&stream);
  }
};
std::string pack(std::string_view text) {
  std::string bytes(text.size() + 200, '\0');
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(bytes.data());
  stream.avail_out = static_cast<uInt>(bytes.size());
  deflate(&stream, Z_FINISH);
  bytes.resize(bytes.size() - stream.avail_out);
  deflateEnd(&stream);
  return bytes;
}
}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  if (seed % 2 == 0) return LLVMFuzzerMutate(data, size, max_size);
  fuzz::Dice dice(seed);
  const std::string text = Unpacked({reinterpret_cast<const char*>(data), size}).text;
  const std::string bytes = pack(fuzz::mutate_lines(text, dice.one_in(20) ? 16 * most_kept : 4 * max_size, dice));
  const std::size_t length = std::min(bytes.size(), max_size);
  std::copy_n(bytes.begin(), length, data);
  return length;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::size_t unpacked = std::max(size, Unpacked({reinterpret_cast<const char*>(data), size}).size);
  const fuzz::MemoryFile file(data, size);
  return fuzz::read_or_refuse(unpacked,
                              [&] { unroll::read_labelled_text(file.path(), {.read = unroll::read_gzip_file}); });
}
