// Compressed labelled texts: half of the inputs are compressed again after a change, so that they unpack.
#include <zlib.h>

#include <unroll/data/gzip.hpp>
#include <unroll/data/readers.hpp>

#define FUZZ_OWN_MUTATOR
#include "fuzz.hpp"
#include "mutate.hpp"

namespace {
constexpr std::size_t most_unpacked = 1 << 20;

/// As much as there is, at most `most_unpacked`; all members of the file.
std::string unpack(std::string_view bytes) {
  std::string text(most_unpacked, '\0');
  z_stream stream{};
  inflateInit2(&stream, 15 + 16);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(text.data());
  stream.avail_out = static_cast<uInt>(text.size());
  while (inflate(&stream, Z_NO_FLUSH) == Z_STREAM_END && stream.avail_in > 0 && stream.avail_out > 0)
    if (inflateReset(&stream) != Z_OK) break;
  text.resize(text.size() - stream.avail_out);
  inflateEnd(&stream);
  return text;
}
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
  const std::string text = unpack({reinterpret_cast<const char*>(data), size});
  const std::string bytes = pack(fuzz::mutate_lines(text, dice.one_in(20) ? most_unpacked : 4 * max_size, dice));
  const std::size_t length = std::min(bytes.size(), max_size);
  std::copy_n(bytes.begin(), length, data);
  return length;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::size_t unpacked = std::max(size, unpack({reinterpret_cast<const char*>(data), size}).size());
  const fuzz::MemoryFile file(data, size);
  return fuzz::read_or_refuse(unpacked,
                              [&] { unroll::read_labelled_text(file.path(), {.read = unroll::read_gzip_file}); });
}
