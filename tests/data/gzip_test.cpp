#include <cstddef>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <unroll/data/gzip.hpp>
#include <unroll/data/readers.hpp>
#include <unroll/data/word_vector_file.hpp>

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

TEST_CASE("compressed word vectors are read as the others are, or refused by name") {
  const Folder folder;
  for (const std::string& bytes : {std::string("a 1 2\nb 3 4\n"), std::string("2 2\na 1 2 \nb 3 4 \n"),
                                   std::string("2 2\na \0\0\x80\x3F\0\0\0\x40"
                                               "b \0\0\x40\x40\0\0\x80\x40",
                                               24)}) {
    const auto path = folder.path / "v.gz";
    write_gzip(path, bytes);
    const auto vectors = unroll::read_word_vectors(path, {.read = unroll::read_gzip_file});
    CHECK(vectors["a"] == Eigen::Vector2f(1, 2));
    CHECK(vectors["b"] == Eigen::Vector2f(3, 4));
    CHECK_THROWS_WITH_AS(static_cast<void>(unroll::read_word_vectors(path)),
                         doctest::Contains("v.gz: is compressed: read it with {.read = unroll::read_gzip_file}"),
                         unroll::FormatError);
  }
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
  CHECK_THROWS_WITH_AS(unroll::read_gzip_file("no/such/file.gz"),
                       "no/such/file.gz: cannot read: No such file or directory", unroll::FormatError);
}

TEST_CASE("zeros behind a compressed file are padding, anything else is damage") {
  const Folder folder;
  write_gzip(folder.path / "whole.gz", "1\tone\n");
  const std::string whole = unroll::read_plain_file(folder.path / "whole.gz");
  CHECK(unroll::read_gzip_file(folder.write("padded.gz", whole + std::string(1000, '\0'))) == "1\tone\n");
  CHECK_THROWS_WITH_AS(unroll::read_gzip_file(folder.write("more.gz", whole + "more")),
                       doctest::Contains("more.gz: cannot decompress"), unroll::FormatError);
}

TEST_CASE("what a limit leaves out is never unpacked, and more than max_bytes is an error") {
  const Folder folder;
  std::string line = "1\t" + std::string(100'000, 'x') + "\n", bytes;
  for (int i = 0; i < 300; ++i) bytes += line;
  write_gzip(folder.path / "bomb.gz", bytes);
  std::string packed = unroll::read_plain_file(folder.path / "bomb.gz");
  CHECK(packed.size() < 100'000);
  const auto damaged = folder.write("damaged.gz", packed.substr(0, packed.size() - 1000));
  CHECK(unroll::read_labelled_text(damaged, {.limit = 3, .read = unroll::read_gzip_file}).size() == 3);
  const auto read = [&](std::uint64_t max_bytes) {
    return unroll::read_labelled_text(folder.path / "bomb.gz", {.read = unroll::read_gzip_file, .max_bytes = max_bytes})
        .size();
  };
  CHECK(read(bytes.size()) == 300);
  CHECK_THROWS_WITH_AS(read(bytes.size() - 1), doctest::Contains("bytes, unpacked: raise max_bytes to read it"),
                       unroll::FormatError);
  CHECK_THROWS_AS(read(1'000'000), unroll::FormatError);
  CHECK_THROWS_WITH_AS(unroll::read_gzip_file(folder.path / "bomb.gz", 1'000'000),
                       doctest::Contains("bomb.gz: has more than 1000000 bytes, unpacked"), unroll::FormatError);
}
