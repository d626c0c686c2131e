#include <sys/stat.h>

#include <unroll/file/read_file.hpp>
#include <unroll/file/replace_file.hpp>

#include "../io/support.hpp"

using namespace unroll;

TEST_CASE("a file that cannot be read is named with the reason, and nothing waits for what is no regular file") {
  const TemporaryFolder folder;
  REQUIRE(mkfifo((folder / "pipe").c_str(), 0600) == 0);
  check_mentions(message_of([&] { read_file(folder / "none"); }), {"none", "No such file or directory"});
  check_mentions(message_of([&] { read_file(folder.path()); }), {folder.path().string(), "a folder, expected a file"});
  check_mentions(message_of([&] { read_file(folder / "pipe"); }), {"pipe: cannot read: a pipe"});
  check_mentions(message_of([&] { read_file("/dev/zero"); }), {"/dev/zero: cannot read: a device"});
  check_mentions(message_of([&] { read_file(""); }), {"cannot read"});
}

TEST_CASE("a file is read in pieces of any size") {
  const TemporaryFolder folder;
  replace_file(folder / "file", bytes_of("0123456789"));
  InputFile file(folder / "file");
  CHECK(file.size() == 10);
  std::vector<std::byte> piece(4);
  CHECK(file.read(piece) == 4);
  CHECK(piece == bytes_of("0123"));
  CHECK(file.read(piece) == 4);
  CHECK(file.read(piece) == 2);
  CHECK(file.read(piece) == 0);
}
