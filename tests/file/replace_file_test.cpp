#include <array>
#include <csignal>
#include <fstream>
#include <grp.h>
#include <sstream>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <utility>

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

mode_t mode_of(const std::filesystem::path& path) {
  struct stat status{};
  stat(path.c_str(), &status);
  return status.st_mode & 07777;
}

/// f() in a child of a user who is not root, whom permissions do not stop.
template <class F> bool as_nobody(const F& f) {
  const pid_t child = fork();
  if (child == 0) {
    const bool nobody = geteuid() != 0 || (setgroups(0, nullptr) == 0 && setgid(65534) == 0 && setuid(65534) == 0);
    _exit(nobody && f() ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

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
  check_mentions(message_of([] { write("/dev/full", "x"); }), {"/dev/full", "a device, expected a regular file"});
  CHECK(std::filesystem::is_character_file("/dev/full"));
}

TEST_CASE("a path that cannot be written is named with the reason") {
  const TemporaryFolder folder;
  const std::string at = folder.path().string();
  CHECK(message_of([&] { write(folder / "none/file", "x"); }) ==
        at + "/none/file: cannot write: open the folder " + at + "/none: No such file or directory");
  CHECK(message_of([&] { write(at, "x"); }) == at + ": cannot write: a folder, expected a file");
  CHECK(message_of([&] { write(at + "/", "x"); }) == at + "/: cannot write: a folder, expected a file");
  CHECK(message_of([&] { write(at + "/none/", "x"); }) ==
        at + "/none/: cannot write: the name of a folder, expected a file");
  CHECK(message_of([&] { write("", "x"); }) == "cannot write a file whose path is empty");
  CHECK(message_of([&] { write(at + std::string("/a\0b", 4), "x"); }) ==
        "cannot write a file with a zero byte in its path: " + at + "/a");
  CHECK(folder.files() == 0);
  write(folder / "file", "x");
  check_mentions(message_of([&] { write(at + "/file/", "y"); }), {at + "/file/: cannot write: ", "Not a directory"});
  check_mentions(message_of([&] { write(at + "/file/below", "y"); }), {"/file/below: ", "Not a directory"});
  CHECK(text_of(folder / "file") == "x");
  CHECK(folder.files() == 1);
}

TEST_CASE("what is no regular file is refused by its kind and stays") {
  const TemporaryFolder folder;
  const auto pipe = folder / "pipe";
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(message_of([&] { write(pipe, "x"); }) == pipe.string() + ": cannot write: a pipe, expected a regular file");
  std::filesystem::create_symlink("pipe", folder / "link");
  check_mentions(message_of([&] { write(folder / "link", "x"); }), {"link: cannot write: a pipe"});
  CHECK(std::filesystem::is_fifo(pipe));
  CHECK(folder.files() == 2);
}

TEST_CASE("a link to a file that is not there stays, and the file is made") {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "below");
  std::filesystem::create_symlink("second", folder / "first");
  std::filesystem::create_symlink(folder / "below/third", folder / "second");  // absolute
  std::filesystem::create_symlink("../target", folder / "below/third");        // from its own folder
  write(folder / "first", "new");
  for (const char* link : {"first", "second", "below/third"}) CHECK(std::filesystem::is_symlink(folder / link));
  CHECK(std::filesystem::is_regular_file(std::filesystem::symlink_status(folder / "target")));
  CHECK(text_of(folder / "target") == "new");
  CHECK(folder.files() == 4);

  std::filesystem::create_symlink("none/file", folder / "lost");
  CHECK(message_of([&] { write(folder / "lost", "x"); }) ==
        concat_text((folder / "lost").string(), " (a link to ", (folder / "none/file").string(),
                    "): cannot write: open the folder ", (folder / "none").string(), ": No such file or directory"));
  CHECK(std::filesystem::is_symlink(folder / "lost"));
}

TEST_CASE("links that go round are an error with the reason") {
  const TemporaryFolder folder;
  std::filesystem::create_symlink("b", folder / "a");
  std::filesystem::create_symlink("a", folder / "b");
  CHECK(message_of([&] { write(folder / "a", "x"); }) ==
        (folder / "a").string() + ": cannot write: follow the links: Too many levels of symbolic links");
  check_mentions(message_of([&] { write(folder / "a/file", "x"); }), {"a/file: ", "Too many levels"});
  CHECK(std::filesystem::is_symlink(folder / "a"));
  CHECK(folder.files() == 2);
}

TEST_CASE("a name as long as the system allows is written, a longer one is an error") {
  const TemporaryFolder folder;
  const std::string longest(255, 'n');
  write(folder / longest, "old");
  write(folder / longest, "new");
  CHECK(text_of(folder / longest) == "new");
  check_mentions(message_of([&] { write(folder / (longest + "n"), "x"); }), {longest + "n: ", "File name too long"});
  CHECK(folder.files() == 1);
}

TEST_CASE("a closed folder is an error that names it, and a file that is read-only is replaced and stays so") {
  const TemporaryFolder folder;
  chmod(folder.path().c_str(), 0777);
  std::filesystem::create_directory(folder / "closed");
  write(folder / "closed/file", "old");
  write(folder / "read-only", "old");
  chmod((folder / "read-only").c_str(), 0444);
  chmod((folder / "closed").c_str(), 0555);
  CHECK(as_nobody([&] {
    const std::string closed = (folder / "closed").string();
    return message_of([&] { write(closed + "/file", "x"); }) ==
               closed + "/file: cannot write: make a temporary file in the folder " + closed + ": Permission denied" &&
           text_of(closed + "/file") == "old";
  }));
  CHECK(as_nobody([&] { return message_of([&] { write(folder / "read-only", "new"); }).empty(); }));
  CHECK(text_of(folder / "read-only") == "new");
  CHECK(mode_of(folder / "read-only") == 0444);
  chmod((folder / "closed").c_str(), 0700);
}

TEST_CASE("a folder that may be written but not read holds a file all the same") {
  const TemporaryFolder folder;
  const auto dark = folder / "dark";
  chmod(folder.path().c_str(), 0777);
  std::filesystem::create_directory(dark);
  chmod(dark.c_str(), 0333);
  CHECK(as_nobody([&] { return message_of([&] { write(dark / "file", "x"); }).empty(); }));
  chmod(dark.c_str(), 0700);
  CHECK(text_of(dark / "file") == "x");
}

TEST_CASE("owner and group are kept where the system permits; another group gets nothing that was not everybody's") {
  if (geteuid() != 0) return;  // nobody else can give files away
  const TemporaryFolder folder;
  chmod(folder.path().c_str(), 0777);
  write(folder / "file", "old");
  REQUIRE(chown((folder / "file").c_str(), 65534, 12345) == 0);
  chmod((folder / "file").c_str(), 0664);
  const auto owner = [&] {
    struct stat is{};
    stat((folder / "file").c_str(), &is);
    return std::pair(is.st_uid, is.st_gid);
  };
  write(folder / "file", "by root");
  CHECK(owner() == std::pair<uid_t, gid_t>(65534, 12345));
  CHECK(mode_of(folder / "file") == 0664);
  CHECK(as_nobody([&] { return message_of([&] { write(folder / "file", "by nobody"); }).empty(); }));
  CHECK(owner() == std::pair<uid_t, gid_t>(65534, 65534));
  CHECK(mode_of(folder / "file") == 0644);
  CHECK(text_of(folder / "file") == "by nobody");
}

TEST_CASE("threads that write one file at the same time leave one of them whole") {
  const TemporaryFolder folder;
  const auto path = folder / "file";
  std::vector<std::jthread> threads;
  for (const char c : {'a', 'b', 'c', 'd'})
    threads.emplace_back([&path, c] {
      for (int k = 0; k < 10; ++k) write(path, std::string(20'000, c));
    });
  threads.clear();
  const std::string text = text_of(path);
  CHECK(text == std::string(20'000, text.at(0)));
  CHECK(folder.files() == 1);
}

TEST_CASE("a symbolic link stays one, and permissions stay") {
  const TemporaryFolder folder;
  write(folder / "target", "old");
  chmod((folder / "target").c_str(), 0640);
  std::filesystem::create_symlink("target", folder / "link");
  write(folder / "link", "new");
  CHECK(std::filesystem::is_symlink(folder / "link"));
  CHECK(text_of(folder / "target") == "new");
  CHECK(mode_of(folder / "target") == 0640);
}

TEST_CASE("a file of an earlier process that was killed is not in the way") {
  const TemporaryFolder folder;
  const auto beside = (folder / "file").string() + "." + std::to_string(getpid()) + "-0.tmp";
  std::ofstream(beside) << "half";
  write(folder / "file", "whole");
  CHECK(text_of(folder / "file") == "whole");
  CHECK(text_of(beside) == "half");
}
