#include <cstddef>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <unroll/data/gzip.hpp>
#include <unroll/data/readers.hpp>

#include "folder.hpp"

namespace {

void write_gzip(const std::filesystem::path& path, const std::string& bytes, const char* mode = "wb") {
  const gzFile file = gzopen(path.string().c_str(), mode);
  REQUIRE(file != nullptr);
  REQUIRE(gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size())) == static_cast<int>(bytes.size()));
  REQUIRE(gzclose(file) == Z_OK);
}

}  // namespace

TEST_CASE("compressed and plain files are read alike") {
  const Folder folder;
  std::string bytes;
  for (int i = 0; i < 100'000; ++i) bytes += std::to_string(i % 2) + "\treview " + std::to_string(i * 7919) + "\n";
  write_gzip(folder.path / "data.tsv.gz", bytes);
  const auto plain = folder.write("data.tsv", bytes);
  CHECK(unroll::read_gzip_file(folder.path / "data.tsv.gz") == bytes);
  CHECK(unroll::read_gzip_file(plain) == bytes);
  const auto data = unroll::read_labelled_text(folder.path / "data.tsv.gz", {.read = unroll::read_gzip_file});
  CHECK(data.size() == 100'000);
  CHECK(data == unroll::read_labelled_text(plain));
}

TEST_CASE("a compressed file may have several members") {
  const Folder folder;
  write_gzip(folder.path / "data.gz", "1\tone\n");
  write_gzip(folder.path / "data.gz", "0\ttwo\n", "ab");
  CHECK(unroll::read_gzip_file(folder.path / "data.gz") == "1\tone\n0\ttwo\n");
}

TEST_CASE("a compressed file cut short anywhere is an error, not a shorter file") {
  const Folder folder;
  write_gzip(folder.path / "whole.gz", "1\ta fine film\n0\ta dull film\n");
  const std::string whole = unroll::read_plain_file(folder.path / "whole.gz");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    const auto path = folder.write("cut.gz", whole.substr(0, size));
    CHECK_THROWS_AS(unroll::read_labelled_text(path, {.read = unroll::read_gzip_file}), unroll::FormatError);
  }
}

TEST_CASE("a damaged or missing compressed file is refused with its name") {
  const Folder folder;
  write_gzip(folder.path / "whole.gz", "1\ta fine film\n0\ta dull film\n");
  std::string damaged = unroll::read_plain_file(folder.path / "whole.gz");
  damaged[damaged.size() - 6] ^= 1;  // in the checksum
  const auto path = folder.write("damaged.gz", damaged);
  CHECK_THROWS_WITH_AS(unroll::read_gzip_file(path), doctest::Contains("damaged.gz: cannot decompress"),
                       unroll::FormatError);
  CHECK_THROWS_WITH_AS(unroll::read_gzip_file("no/such/file.gz"), "no/such/file.gz: cannot open", unroll::FormatError);
}
