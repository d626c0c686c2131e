#include <array>
#include <csignal>
#include <fstream>
#include <sstream>
#include <sys/resource.h>
#include <sys/stat.h>

#include <unroll/file/read_file.hpp>
#include <unroll/file/replace_file.hpp>

#include "../io/support.hpp"

using namespace unroll;

namespace {

std::string text_of(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}
void write(const std::filesystem::path& path, std::string_view text) { replace_file(path, bytes_of(text)); }

/// While it lives no file of this process may grow past `bytes`.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() { setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

}  // namespace

TEST_CASE("a file is written whole, in parts, and replaced") {
  const TemporaryFolder folder;
  const auto path = folder / "file";
  write(path, "old contents");
  CHECK(text_of(path) == "old contents");
  const auto first = bytes_of("new "), empty = bytes_of(""), second = bytes_of("ones");
  const std::array<std::span<const std::byte>, 3> parts{first, empty, second};
  replace_file(path, parts);
  CHECK(text_of(path) == "new ones");
  CHECK(folder.files() == 1);
  CHECK(read_file(path) == bytes_of("new ones"));
}

TEST_CASE("past the file size limit the old file stays, nothing is left behind, and the process lives") {
  const TemporaryFolder folder;
  const auto path = folder / "file";
  write(path, "old");
  // SIGXFSZ has its default action here: it would end the process.
  std::string message;
  {
    const FileSizeLimit limit(1000);
    message = message_of([&] { write(path, std::string(5000, 'x')); });
  }
  check_mentions(message, {path.string(), "write", "File too large"});
  CHECK(text_of(path) == "old");
  CHECK(folder.files() == 1);

  sigset_t mask, pending;
  pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  sigpending(&pending);
  CHECK(sigismember(&mask, SIGXFSZ) == 0);
  CHECK(sigismember(&pending, SIGXFSZ) == 0);
  write(path, std::string(5000, 'x'));
  CHECK(text_of(path).size() == 5000);
}

TEST_CASE("a full disk keeps nothing of the new file") {
  if (!std::filesystem::exists("/dev/full")) return;
  // A device is not a regular file: it is refused, not replaced.
  check_mentions(message_of([] { write("/dev/full", "x"); }), {"/dev/full", "not a regular file"});
  CHECK(std::filesystem::is_character_file("/dev/full"));
}

TEST_CASE("a path that cannot be written is named with the reason") {
  const TemporaryFolder folder;
  check_mentions(message_of([&] { write(folder / "none/file", "x"); }), {"none/file", "No such file or directory"});
  check_mentions(message_of([&] { write(folder.path(), "x"); }), {folder.path().string(), "not a regular file"});
  CHECK(message_of([&] { write("", "x"); }) != "");
  CHECK(folder.files() == 0);
}

TEST_CASE("a symbolic link stays one, and permissions stay") {
  const TemporaryFolder folder;
  write(folder / "target", "old");
  chmod((folder / "target").c_str(), 0640);
  std::filesystem::create_symlink("target", folder / "link");
  write(folder / "link", "new");
  CHECK(std::filesystem::is_symlink(folder / "link"));
  CHECK(text_of(folder / "target") == "new");
  struct stat status{};
  stat((folder / "target").c_str(), &status);
  CHECK((status.st_mode & 0777) == 0640);
}

TEST_CASE("a file of an earlier process that was killed is not in the way") {
  const TemporaryFolder folder;
  const auto beside = (folder / "file").string() + "." + std::to_string(getpid()) + "-0.tmp";
  std::ofstream(beside) << "half";
  write(folder / "file", "whole");
  CHECK(text_of(folder / "file") == "whole");
  CHECK(text_of(beside) == "half");
}
