// The lines and fields of a text file, read block by block.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include <unroll/core/error.hpp>
#include <unroll/core/function_ref.hpp>
#include <unroll/data/byte_source.hpp>
#include <unroll/data/other_kinds.hpp>
#include <unroll/data/read_options.hpp>

namespace unroll::inline UNROLL_ABI::detail {

/// The characters of a file; knows in which line it is. Memory is that of a block.
class TextStream {
 public:
  static constexpr int end = -1;

  TextStream(const std::filesystem::path& path, const ReadOptions& options)
      : path_(path), name_(path.string()), max_bytes_(options.max_bytes), source_(options.read.open(path)) {
    refill();
    refuse_other_kinds(name_, block_);
  }

  const std::string& name() const { return name_; }
  /// From 1.
  Index line() const { return line_; }
  /// The next character, or `end`.
  int peek() { return at_ == block_.size() && !refill() ? end : static_cast<unsigned char>(block_[at_]); }
  int get() {
    const int c = peek();
    if (c == end) return end;
    take(1);
    if (c == '\n' || (c == '\r' && peek() != '\n')) ++line_;
    return c;
  }
  void skip_byte_order_mark() {
    if (std::string_view(block_).substr(at_).starts_with("\xEF\xBB\xBF")) take(3);
  }
  /// Appends all up to the next `last`, which is taken away; true if there was one.
  bool append_until(std::string& to, char last) {
    while (peek() != end) {
      const char* const begin = block_.data() + at_;
      const auto* found = static_cast<const char*>(std::memchr(begin, last, block_.size() - at_));
      const std::size_t size = found != nullptr ? static_cast<std::size_t>(found - begin) : block_.size() - at_;
      to.append(begin, size);
      take(size + (found != nullptr));
      if (found != nullptr) {
        ++line_;
        return true;
      }
    }
    return false;
  }

  /// Appends all up to the next `delimiter` or end of a line, which stay.
  void append_field(std::string& to, char delimiter) {
    while (peek() != end) {
      const char *const begin = block_.data() + at_, *const last = block_.data() + block_.size();
      const char* stop = begin;
      while (stop != last && *stop != delimiter && *stop != '\n' && *stop != '\r') ++stop;
      to.append(begin, stop);
      take(static_cast<std::size_t>(stop - begin));
      if (stop != last) return;
    }
  }

  /// `max_bytes` are counted anew.
  void count_from_here() { taken_ = 0; }
  void append_rest(std::string& to) {
    while (peek() != end) {
      const std::string_view rest = std::string_view(block_).substr(at_);
      take(rest.size());
      to += rest;
    }
  }

 private:
  bool refill() {
    block_.resize(std::size_t{1} << 18);
    const std::size_t count = source_(std::as_writable_bytes(std::span(block_)));
    require(count <= block_.size(), name_, ": its source gave ", count, " bytes, asked for ", block_.size());
    block_.resize(count);
    at_ = 0;
    nul_ = block_.find('\0');
    return !block_.empty();
  }
  void take(std::size_t count) {
    if (at_ + count > nul_) fail<FormatError>(name_, ":", line_, ": a NUL byte: not UTF-8 text?");
    if (count > max_bytes_ - taken_) refuse_size(path_, max_bytes_);
    taken_ += count;
    at_ += count;
  }

  std::filesystem::path path_;
  std::string name_;
  std::uint64_t max_bytes_, taken_ = 0;
  ByteSource source_;
  std::string block_;
  std::size_t at_ = 0, nul_ = std::string::npos;  // what comes next, the first NUL
  Index line_ = 1;
};

/// The records of a file of lines or fields.
class Records {
  using OnField = FunctionRef<Index, std::string_view>;

 public:
  Records(const std::filesystem::path& path, const ReadOptions& options) : options_(options), stream_(path, options) {
    stream_.skip_byte_order_mark();
    require<FormatError>(stream_.peek() != TextStream::end, stream_.name(), ": is empty");
  }

  /// Calls on_field(k, std::string_view) for the fields k = 0, 1, .. of the next record, and returns how many there
  /// are: 0 at the end of the file.
  Index next(OnField on_field) {
    const bool csv = options_.format == TextFormat::csv;
    do {
      line_ = stream_.line();
      if (stream_.peek() == TextStream::end) return 0;
      if (!csv) read_line();
    } while (csv ? skip_empty_record()
                 : options_.skip_empty_lines && text_.find_first_not_of(' ') == std::string::npos);
    if (csv) return read_csv(on_field);
    if (options_.format == TextFormat::tsv) return split(on_field);
    const std::size_t tab = text_.find('\t');
    on_field(Index{0}, std::string_view(text_).substr(0, tab));
    if (tab == std::string::npos) return 1;
    on_field(Index{1}, std::string_view(text_).substr(tab + 1));
    return 2;
  }
  void count_bytes_from_here() { stream_.count_from_here(); }
  /// The last record as it stands in a file that is not csv.
  std::string_view text() const { return text_; }
  /// Where the last record began.
  Index line() const { return line_; }
  template <class... Parts> [[noreturn]] void refuse(const Parts&... why) const {
    fail<FormatError>(stream_.name(), ":", line_, ": ", why...);
  }

 private:
  void read_line() {
    text_.clear();
    const bool old = options_.line_end == LineEnd::carriage_return;
    const bool ended = stream_.append_until(text_, old ? '\r' : '\n');
    if (!old && text_.ends_with('\r')) text_.pop_back();
    if (old && text_.find('\n') != std::string::npos) refuse("a line feed, expected lines that end in '\\r' alone");
    if (!old && !ended && line_ == 1 && text_.find('\r') != std::string::npos)
      refuse("no line feed, but '\\r': {.line_end = unroll::LineEnd::carriage_return} reads such lines");
  }
  Index split(OnField on_field) const {
    std::string_view rest = text_;
    for (Index k = 0;; ++k) {
      const std::size_t tab = rest.find('\t');
      on_field(k, rest.substr(0, tab));
      if (tab == std::string_view::npos) return k + 1;
      rest.remove_prefix(tab + 1);
    }
  }

  static bool ends_record(int c) { return c == '\n' || c == '\r' || c == TextStream::end; }
  void end_record() {
    if (stream_.get() == '\r' && stream_.peek() == '\n') stream_.get();
  }
  bool skip_empty_record() {
    if (!options_.skip_empty_lines || !ends_record(stream_.peek())) return false;
    end_record();
    return true;
  }
  Index read_csv(OnField on_field) {
    const auto delimiter = static_cast<unsigned char>(options_.delimiter);
    for (Index k = 0;; ++k) {
      text_.clear();
      if (stream_.peek() == '"')
        read_quoted();
      else
        stream_.append_field(text_, options_.delimiter);
      on_field(k, std::string_view(text_));
      if (ends_record(stream_.peek())) {
        end_record();
        return k + 1;
      }
      if (stream_.get() != delimiter) refuse("text behind the closing quote of a field");
    }
  }
  /// What stands between quotes, a doubled one being one of the text.
  void read_quoted() {
    stream_.get();
    for (;;) {
      const int c = stream_.get();
      if (c == TextStream::end) refuse("a quote is not closed");
      if (c == '"' && stream_.peek() != '"') return;
      if (c == '"') stream_.get();
      text_ += static_cast<char>(c);
    }
  }

  const ReadOptions& options_;
  TextStream stream_;
  std::string text_;
  Index line_ = 0;
};

}  // namespace unroll::inline UNROLL_ABI::detail
