// Every writer of files under a failing or interrupted system call: whichever call it is, the file is the whole old one
// or the whole new one, nothing else is left, what is said is true, and an interruption is no failure. Last line:
// `N passed, N failed`. A writer that is new gets a line in `writers`.
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>

#include <unroll/data/word_vector_file.hpp>
#include <unroll/file/replace_file.hpp>
#include <unroll/format/guitarml.hpp>
#include <unroll/format/load_network.hpp>
#include <unroll/format/nam.hpp>
#include <unroll/format/network_writer.hpp>
#include <unroll/format/rtneural.hpp>
#include <unroll/io/model_file.hpp>
#include <unroll/network/model.hpp>
#include <unroll/text/byte_pair_file.hpp>
#include <unroll/text/vocabulary_file.hpp>
#include <unroll/train/checkpoint.hpp>
#include <unroll/unroll.hpp>

#include "../train/fake_run.hpp"
#include "system_calls.hpp"

namespace {

using namespace unroll;
namespace fs = std::filesystem;

// ---- The writers: contents 0 and 1, which differ in size too; and who reads them.

struct Writer {
  const char* name;
  std::function<void(const fs::path&, int)> write;
  std::function<void(const fs::path&)> read;
};

auto make_model() { return Sequential{Recurrent{Lstm{1, 4}}, Dense{4, 1}}; }
auto model(int which) {
  auto m = make_model();
  initialize(m, Rng(static_cast<std::uint64_t>(which)));
  return m;
}
Vocabulary words(int which) {
  return Vocabulary::build({which == 0 ? "a fine film" : "an even finer film of the year"});
}
BytePairEncoding subwords(int which) { return BytePairEncoding::learn({which == 0 ? "na na" : "an an, any any"}); }
Record record(int which) {
  Record r;
  r.set("text", which == 0 ? "old" : "newer");
  r.set("weights", Matrix<float>(Matrix<float>::Constant(3, 2 + which, 0.5f)));
  return r;
}
void write_log(const fs::path& path, int which) {
  FakeRun run;
  run.past.epochs.resize(static_cast<std::size_t>(which));
  CsvLog{.path = path}.on_epoch_end(run);
}
void write_parts(const fs::path& path, int which) {
  const std::string first(which == 0 ? 3 : 5000, 'x'), second = "end";
  const std::array parts{std::as_bytes(std::span(first)), std::as_bytes(std::span(second))};
  replace_file(path, parts);
}

const Writer writers[] = {
    {"replace_file", write_parts, [](auto& path) { read_file(path); }},
    {"vocabulary", [](auto& path, int k) { save_vocabulary(path, words(k)); },
     [](auto& path) { load_vocabulary(path); }},
    {"byte_pairs", [](auto& path, int k) { save_byte_pairs(path, subwords(k)); },
     [](auto& path) { load_byte_pairs(path); }},
    {"word_vectors",
     [](auto& path, int k) { save_word_vectors(path, WordVectors({"a"}, Matrix<float>::Constant(2 + k, 1, 0.5f))); },
     [](auto& path) { read_word_vectors(path); }},
    {"model", [](auto& path, int k) { save(path, model(0), words(k)); },
     [](auto& path) { load([](const ModelInfo&) { return make_model(); }, path); }},
    {"checkpoint", [](auto& path, int k) { checkpoint_file(path)->save(record(k)); },
     [](auto& path) { checkpoint_file(path)->load(); }},
    {"csv_log", write_log, [](auto& path) { read_file(path); }},
    {"network", [](auto& path, int k) { save_network(path, network_of(model(k))); },
     [](auto& path) { load_network(path); }},
    {"rtneural", [](auto& path, int k) { save_rtneural(path, network_of(model(k))); },
     [](auto& path) { load_network(path); }},
    {"nam", [](auto& path, int k) { save_nam(path, network_of(model(k))); }, [](auto& path) { load_network(path); }},
    {"guitarml", [](auto& path, int k) { save_guitarml(path, network_of(model(k))); },
     [](auto& path) { load_network(path); }},
};

// ---- The faults of each call, and what must come of them.

struct Fault {
  int error;
  bool is_none = false;  ///< the file is written all the same
};
/// `later`: the new file is in place already.
std::vector<Fault> faults_of(const std::string& call, bool later) {
  using faults::half, faults::nothing;
  if (call == "open" || call == "open64") return {{EINTR, true}, {EMFILE}, {EIO}, {ENOSPC}};
  if (call == "stat" || call == "lstat" || call == "readlink") return {{EINTR, true}, {EIO}, {EACCES}};
  if (call == "fchown") return {{EINTR, true}, {EPERM, true}, {EIO}};
  if (call == "fchmod") return {{EINTR, true}, {EPERM}, {EIO}};
  if (call == "write") return {{EINTR, true}, {half, true}, {nothing}, {ENOSPC}, {EIO}, {EDQUOT}, {EFBIG}};
  if (call == "fsync") return {{EINTR, true}, {EINVAL, later}, {EIO}, {ENOSPC}};
  if (call == "close") return {{EINTR, true}, {EIO, later}};
  if (call == "rename") return {{EINTR, true}, {EXDEV}, {EIO}, {EACCES}};
  return {};
}

// ---- Where the file stands.

struct Place {
  const char* name;
  bool has_old, is_link;
  std::size_t length = 8;  ///< of the file's name
};
constexpr Place places[] = {{"a new file", false, false},
                            {"an old file", true, false},
                            {"a link to a file", true, true},
                            {"a link to a file that is not there", false, true},
                            {"a name as long as can be", true, false, 255}};

std::string bytes_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class Check {
 public:
  explicit Check(fs::path folder) : folder_(std::move(folder)) {}
  long passed = 0, failed = 0;

  void all_of(const Writer& writer) {
    for (const Place& place : places) at(writer, place);
  }

 private:
  void at(const Writer& writer, const Place& place) {
    writer_ = &writer, place_ = &place;
    for (const int k : {0, 1}) {
      fs::remove_all(folder_);
      fs::create_directories(folder_);
      writer.write(folder_ / "whole", k);
      contents_[k] = bytes_of(folder_ / "whole");
    }
    prepare();
    one(~std::size_t{0}, {faults::none, true}, false);
    const std::vector<std::string> names = faults::calls.names;
    const auto replaced = static_cast<std::size_t>(std::ranges::find(names, "rename") - names.begin());
    expect(replaced < names.size(), "there is no rename");
    for (std::size_t k = 0; k < names.size(); ++k)
      for (const Fault& fault : faults_of(names[k], k > replaced)) {
        call_ = names[k];
        prepare();
        one(k, fault, false);
        if (fault.is_none) continue;
        prepare();
        one(k, fault, true);  // and so does all that comes after, cleaning up too
      }
    call_.clear();
  }
  void prepare() {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    path_ = target_ = folder_ / std::string(place_->length, 'f');
    if (place_->is_link) {
      target_ = folder_ / "target";
      fs::create_symlink("target", path_);
    }
    if (!place_->has_old) return;
    writer_->write(target_, 0);
    fs::permissions(target_, fs::perms::owner_read | fs::perms::owner_write);
  }
  void one(std::size_t call, const Fault& fault, bool from_then_on) {
    fault_ = fault.error, from_then_on_ = from_then_on;
    std::string message;
    faults::calls.start(call, fault.error, from_then_on);
    try {
      writer_->write(path_, 1);
    } catch (const FormatError& error) {
      message = error.what();
    } catch (const std::exception& error) {
      expect(false, concat_text("another type of exception: ", error.what()));
    }
    faults::calls.stop();
    message_ = message;

    const bool in_place = message.find(": written and in place, but its folder cannot be synced: ") != message.npos;
    expect(message.empty() == fault.is_none, "an error, or none");
    if (!message.empty()) {
      expect(message.starts_with(path_.string()), "the path is not named");
      if (fault.error > 0 && !from_then_on)
        expect(message.find(std::strerror(fault.error)) != message.npos, "no reason");
    }
    const bool is_new = message.empty() || in_place;
    expect(fs::is_symlink(fs::symlink_status(path_)) == place_->is_link, "a link is one no more");
    expect(fs::exists(target_) == (is_new || place_->has_old), "the file is there, or is not");
    if (fs::exists(target_)) {
      expect(bytes_of(target_) == contents_[is_new ? 1 : 0], "the contents are not those that were promised");
      try {
        writer_->read(path_);
      } catch (const std::exception& error) {
        expect(false, concat_text("cannot be read: ", error.what()));
      }
    }
    if (place_->has_old) {
      expect((fs::status(target_).permissions() & fs::perms::all) == (fs::perms::owner_read | fs::perms::owner_write),
             "the permissions have changed");
      expect((faults::calls.widest & 077) == 0, "others could read it while it was written");
    }
    std::size_t files = 0;
    for ([[maybe_unused]] const auto& entry : fs::directory_iterator(folder_)) ++files;
    if (!from_then_on) expect(files == (place_->is_link ? 1u : 0u) + (fs::exists(target_) ? 1 : 0), "a file is left");
  }
  void expect(bool holds, std::string_view what) {
    ++(holds ? passed : failed);
    if (holds) return;
    std::printf("FAILED  %s, %s, %s %d%s: %.*s (said: %s)\n", writer_->name, place_->name, call_.c_str(), fault_,
                from_then_on_ ? " and all later" : "", static_cast<int>(what.size()), what.data(), message_.c_str());
  }

  fs::path folder_, path_, target_;
  const Writer* writer_ = nullptr;
  const Place* place_ = nullptr;
  std::string contents_[2], call_, message_;
  int fault_ = 0;
  bool from_then_on_ = false;
};

}  // namespace

int main() {
  const fs::path folder = fs::temp_directory_path() / concat_text("unroll_faults_", static_cast<long>(::getpid()));
  Check check(folder);
  for (const Writer& writer : writers) {
    const long before = check.passed;
    check.all_of(writer);
    std::printf("%-14s %5ld\n", writer.name, check.passed - before);
  }
  fs::remove_all(folder);
  std::printf("%ld passed, %ld failed\n", check.passed, check.failed);
  return check.failed == 0 ? 0 : 1;
}
