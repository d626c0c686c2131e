// Readers: labelled texts out of files and folders.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <unroll/core/error.hpp>

namespace unroll::inline UNROLL_ABI {

/// Texts and their classes: text i belongs to the class label_names[labels[i]].
struct LabelledTexts {
  std::vector<std::string> texts;
  std::vector<Index> labels;
  std::vector<std::string> label_names;  ///< distinct, sorted: by value if all are integers, else by their bytes

  std::size_t size() const { return texts.size(); }
  bool operator==(const LabelledTexts&) const = default;
};

/// All bytes of a file. Throws FormatError for one that cannot be read.
inline std::string read_plain_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::error_code error;
  require<FormatError>(file.is_open() && !std::filesystem::is_directory(path, error), path.string(), ": cannot open");
  std::string bytes, block(std::size_t{1} << 18, '\0');
  while (file.read(block.data(), static_cast<std::streamsize>(block.size())), file.gcount() > 0)
    bytes.append(block.data(), static_cast<std::size_t>(file.gcount()));
  require<FormatError>(!file.bad(), path.string(), ": cannot read");
  return bytes;
}

struct ReadOptions {
  Index limit = (std::numeric_limits<Index>::max)();  ///< the first so many texts only
  /// The classes there are, in the order of their numbers: any other label is an error. Empty: those that occur. Give a
  /// test set those of the training set.
  std::vector<std::string> label_names{};
  /// What turns a file into bytes. `read_gzip_file` from <unroll/data/gzip.hpp> reads compressed files too.
  std::string (*read)(const std::filesystem::path&) = read_plain_file;
};

namespace detail {

/// Numbers labels by their names, once all of them are known.
class LabelNumbers {
 public:
  explicit LabelNumbers(std::vector<std::string> known) : names_(std::move(known)), fixed_(!names_.empty()) {
    for (std::size_t k = 0; k < names_.size(); ++k) number_.emplace(names_[k], static_cast<Index>(k));
    require(number_.size() == names_.size(), "ReadOptions: a label stands twice in label_names");
  }

  /// The number of a label for now, or -1 if it is not a known one.
  Index operator()(std::string_view label) {
    if (const auto found = number_.find(label); found != number_.end()) return found->second;
    if (fixed_) return -1;
    const auto number = static_cast<Index>(names_.size());
    names_.emplace_back(label);
    number_.emplace(label, number);
    return number;
  }

  /// The names, sorted unless they were given; the labels are renumbered accordingly.
  std::vector<std::string> finish(std::vector<Index>& labels) {
    if (!fixed_) {
      const bool integers = std::ranges::all_of(names_, [](const std::string& name) { return integer(name).second; });
      std::ranges::sort(names_, [&](const std::string& a, const std::string& b) {
        const auto value_a = integer(a).first, value_b = integer(b).first;
        return integers && value_a != value_b ? value_a < value_b : a < b;
      });
      std::vector<Index> renumbered(names_.size());
      for (std::size_t k = 0; k < names_.size(); ++k)
        renumbered[static_cast<std::size_t>(number_.at(names_[k]))] = static_cast<Index>(k);
      for (Index& label : labels) label = renumbered[static_cast<std::size_t>(label)];
    }
    return std::move(names_);
  }

 private:
  static std::pair<std::int64_t, bool> integer(const std::string& name) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), value);
    return {value, error == std::errc() && end == name.data() + name.size()};
  }

  std::vector<std::string> names_;
  std::map<std::string, Index, std::less<>> number_;
  bool fixed_;
};

/// f(line, number from 1) for the lines of a file, as many as the limit says.
template <class F> void for_each_line(const std::filesystem::path& path, const ReadOptions& options, const F& f) {
  const std::string name = path.string(), bytes = options.read(path);
  std::string_view rest = bytes;
  require<FormatError>(!rest.starts_with("\x1F\x8B"), name,
                       ": is compressed: read it with {.read = unroll::read_gzip_file} from <unroll/data/gzip.hpp>");
  if (rest.starts_with("\xEF\xBB\xBF")) rest.remove_prefix(3);  // the byte order mark some editors write
  require<FormatError>(!rest.empty(), name, ": is empty");
  for (Index number = 1; !rest.empty() && number <= options.limit; ++number) {
    const std::size_t size = (std::min)(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, size);
    rest.remove_prefix((std::min)(size + 1, rest.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    require<FormatError>(line.find('\0') == std::string_view::npos, name, ":", number, ": a NUL byte: not UTF-8 text?");
    f(line, number);
  }
}

/// Cuts `label<TAB>` off the front of a line and numbers it.
inline Index take_label(std::string_view& line, LabelNumbers& numbers, const std::string& name, Index number,
                        std::string_view what) {
  const std::size_t tab = line.find('\t');
  require<FormatError>(tab != std::string_view::npos, name, ":", number, ": no tab, expected label<TAB>", what);
  require<FormatError>(tab > 0, name, ":", number, ": no label before the tab");
  const std::string_view text = line.substr(0, tab);
  const Index label = numbers(text);
  require<FormatError>(label >= 0, name, ":", number, ": unknown label '", text, "'");
  line.remove_prefix(tab + 1);
  return label;
}

/// Reads `label<TAB>text` lines.
inline void read_lines(const std::filesystem::path& path, const ReadOptions& options, LabelNumbers& numbers,
                       LabelledTexts& data) {
  for_each_line(path, options, [&, name = path.string()](std::string_view line, Index number) {
    data.labels.push_back(take_label(line, numbers, name, number, "text"));
    data.texts.emplace_back(line);
  });
}

/// The .txt files of a folder by the number their name begins with, those without one last, then by name.
inline std::vector<std::filesystem::path> text_files(const std::filesystem::path& folder) {
  std::vector<std::pair<std::uint64_t, std::filesystem::path>> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().extension() != ".txt") continue;
    const std::string name = entry.path().filename().string();
    std::uint64_t id = 0;
    if (std::from_chars(name.data(), name.data() + name.size(), id).ec != std::errc())
      id = (std::numeric_limits<std::uint64_t>::max)();
    files.emplace_back(id, entry.path());
  }
  require<FormatError>(!error && !files.empty(), folder.string(), ": expected a folder with .txt files");
  std::ranges::sort(files);
  std::vector<std::filesystem::path> paths;
  for (auto& [id, path] : files) paths.push_back(std::move(path));
  return paths;
}

/// Reads neg/*.txt and pos/*.txt in turn.
inline void read_folder(const std::filesystem::path& folder, const ReadOptions& options, LabelNumbers& numbers,
                        LabelledTexts& data) {
  const std::pair<std::string, std::vector<std::filesystem::path>> classes[] = {{"neg", text_files(folder / "neg")},
                                                                                {"pos", text_files(folder / "pos")}};
  const std::size_t rounds = (std::max)(classes[0].second.size(), classes[1].second.size());
  for (std::size_t k = 0; k < rounds; ++k)
    for (const auto& [label, files] : classes) {
      if (k >= files.size() || static_cast<Index>(data.size()) >= options.limit) continue;
      data.labels.push_back(numbers(label));
      require<FormatError>(data.labels.back() >= 0, folder.string(), ": unknown label '", label, "'");
      data.texts.push_back(options.read(files[k]));
      require<FormatError>(data.texts.back().find('\0') == std::string::npos, files[k].string(),
                           ": a NUL byte: not UTF-8 text?");
    }
}

}  // namespace detail

/// Reads labelled texts from
/// - a file of lines `label<TAB>text`. Lines end at '\n' alone (U+0085 and its like are part of a text), a '\r' before
///   it and a byte order mark are dropped. A label is any string but the empty one; a text may be empty, hold further
///   tabs, and need not be UTF-8 (the tokenizers see to that);
/// - or a folder as the IMDB reviews come in (aclImdb/train): neg/*.txt and pos/*.txt, one text a file, kept as it is.
///   Files are taken in the order of the numbers their names begin with, neg and pos in turn (neg 0, pos 0, neg 1,
///   ...), so that any even `limit` is balanced; where one class has more files, its rest comes last. Label 0 is neg, 1
///   is pos.
///
/// Throws FormatError with path and line for a line without a tab or label, an unknown label, a NUL byte; with the path
/// for what is missing, empty or compressed.
inline LabelledTexts read_labelled_text(const std::filesystem::path& path, const ReadOptions& options = {}) {
  require(options.limit > 0, "read_labelled_text: limit is ", options.limit, ", expected at least 1");
  LabelledTexts data;
  std::error_code error;
  const bool folder = std::filesystem::is_directory(path, error);
  detail::LabelNumbers numbers(options.label_names);
  (folder ? detail::read_folder : detail::read_lines)(path, options, numbers, data);
  data.label_names = numbers.finish(data.labels);
  return data;
}

}  // namespace unroll::inline UNROLL_ABI
