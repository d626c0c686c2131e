// A file of word vectors, read block by block.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <unroll/core/error.hpp>
#include <unroll/core/finite.hpp>
#include <unroll/core/matrix.hpp>
#include <unroll/data/byte_window.hpp>
#include <unroll/data/other_kinds.hpp>
#include <unroll/data/word_vector_lines.hpp>
#include <unroll/data/word_vector_options.hpp>
#include <unroll/data/word_vectors.hpp>

namespace unroll::inline UNROLL_ABI::detail {

/// Little-endian.
inline float float_of(const char* bytes) {
  std::uint32_t bits = 0;
  for (std::size_t k = 0; k < 4; ++k) bits |= std::uint32_t{static_cast<unsigned char>(bytes[k])} << (8 * k);
  return std::bit_cast<float>(bits);
}

/// A word has at most so many bytes.
inline constexpr std::size_t most_of_word = std::size_t{1} << 16;

/// Words and vectors that grow, a block at a time, so that nothing is copied before the end.
class GrowingVectors {
 public:
  explicit GrowingVectors(Index width) : width_(width), per_block_((std::max)(Index{1}, (Index{1} << 16) / width)) {}

  std::size_t size() const { return words_.size(); }
  std::uint64_t bytes() const { return bytes_; }
  /// A place for the vector of a word, or null where the word is there already.
  float* add(std::string_view word) {
    const std::size_t n = words_.size();
    words_.insert(word);
    if (words_.size() == n) return nullptr;
    const auto k = static_cast<Index>(n) % per_block_;
    if (k == 0) blocks_.emplace_back(width_, per_block_);
    bytes_ += word.size() + static_cast<std::uint64_t>(width_) * sizeof(float);
    return blocks_.back().data() + k * width_;
  }
  WordVectors finish() {
    Matrix<float> all(width_, static_cast<Index>(size()));
    for (Index first = 0; first < all.cols(); first += per_block_) {
      Matrix<float> block = std::move(blocks_[static_cast<std::size_t>(first / per_block_)]);  // and is gone
      const Index n = (std::min)(per_block_, all.cols() - first);
      all.middleCols(first, n) = block.leftCols(n);
    }
    return WordVectors(std::move(words_), std::move(all));
  }

 private:
  Index width_, per_block_;
  std::uint64_t bytes_ = 0;
  TokenTable words_;
  std::vector<Matrix<float>> blocks_;
};

class WordVectorReader {
 public:
  /// `wanted` null: all words.
  WordVectorReader(const std::filesystem::path& path, const WordVectorOptions& options, const TokenTable* wanted)
      : name_(path.string()),
        options_(options),
        wanted_(wanted),
        bytes_(name_, options.read.open(path)),
        most_of_line_(most_of_word + 64 * static_cast<std::size_t>(options.max_width)) {}

  WordVectors read() {
    refuse_other_kinds(name_, bytes_.peek(6));
    if (bytes_.peek(3) == "\xEF\xBB\xBF") bytes_.take(3);
    require<FormatError>(!bytes_.at_end(), name_, ": is empty");
    const std::string_view begin = bytes_.peek(64);
    const std::size_t size = begin.find('\n');
    const auto header = WordVectorHeader::of(trimmed(begin.substr(0, size)));
    if (options_.format ? *options_.format == WordVectorFormat::glove : !header) {
      read_lines(-1, width_of_first_line());
    } else {
      require<FormatError>(header.has_value(), name_,
                           ":1: expected two whole numbers, how many words and how many numbers each has");
      require<FormatError>(header->words > 0, name_, ":1: the number of words is ",
                           header->words < 0 ? "too large" : "0", ", expected at least 1");
      check_width(header->width);
      bytes_.take(size == std::string_view::npos ? begin.size() : size + 1);
      if (options_.format ? *options_.format == WordVectorFormat::word2vec : text_follows(*header))
        read_lines(header->words, static_cast<Index>(header->width));
      else
        read_binary(header->words, static_cast<Index>(header->width));
    }
    require<FormatError>(kept_->size() > 0, name_,
                         ": has none of the vocabulary's words: in another language or script?");
    return kept_->finish();
  }

 private:
  static std::string_view trimmed(std::string_view line) { return line.substr(0, line.find_last_not_of(" \t\r") + 1); }
  template <class... Parts> [[noreturn]] void refuse(const Parts&... why) const {
    fail<FormatError>(name_, binary_ ? ": word " : ":", place_, ": ", why...);
  }
  void check_width(std::int64_t width) const {
    require<FormatError>(width != 0, name_, ":1: a word without numbers, expected its vector");
    require<FormatError>(width > 0 && width <= options_.max_width, name_, ":1: vectors of ",
                         width < 0 ? std::string("too many") : std::to_string(width),
                         " numbers, expected at most max_width, ", options_.max_width);
  }
  /// That line stays.
  Index width_of_first_line() {
    place_ = 1;
    std::string_view begin;
    for (std::size_t count = 1 << 12; begin.find('\n') == std::string_view::npos; count *= 2) {
      begin = bytes_.peek(count);
      if (begin.size() < count) break;
      if (count > most_of_line_) refuse_line();
    }
    const std::string_view line = begin.substr(0, begin.find('\n'));
    if (line.size() > most_of_line_) refuse_line();
    const Index width = WordVectorLine::width_of(trimmed(line));
    check_width(width);
    return width;
  }
  [[noreturn]] void refuse_line() const { refuse("more than ", most_of_line_, " bytes without an end of the line"); }
  /// Whether what comes behind the header is text: in the place of the first vector is printable ASCII to the end of
  /// the line. Where that is shorter than a line of so many numbers, no control character comes up to where a binary
  /// vector would end.
  bool text_follows(const WordVectorHeader& header) {
    const auto width = static_cast<std::size_t>(header.width);
    std::string_view vector = bytes_.peek(most_of_word + 4 * width);
    vector.remove_prefix((std::min)(vector.find(' '), vector.size()));
    vector = vector.substr(0, 4 * width + 1);
    const std::string_view line = vector.substr(0, vector.find('\n'));
    const auto is_control = [](char c) {
      return c != '\t' && c != '\n' && c != '\r' && (static_cast<unsigned char>(c) < 0x20 || c == 0x7F);
    };
    return std::ranges::none_of(line, [&](char c) { return is_control(c) || static_cast<unsigned char>(c) > 0x7F; }) &&
           (line.size() >= 2 * width || std::ranges::none_of(vector, is_control));
  }

  /// The place for a word's vector, or null where it is not kept.
  float* keep(std::string_view word) {
    if (wanted_ != nullptr && wanted_->find(word) == TokenTable::not_found) return nullptr;
    float* const vector = kept_->add(word);
    if (vector == nullptr && !options_.first_of_repeated)
      refuse("the word ", quote_word(word), " is there twice; {.first_of_repeated = true} takes its first vector");
    if (kept_->bytes() > options_.max_bytes)
      fail<FormatError>(name_, ": has more than ", options_.max_bytes,
                        " bytes of words and vectors: raise max_bytes, or read those of a vocabulary");
    return vector;
  }

  /// `count` < 0: nobody said how many.
  void read_lines(std::int64_t count, Index width) {
    kept_.emplace(width);
    const Index first = count < 0 ? 1 : 2;
    Index n = 0;
    for (; n < options_.limit && !bytes_.at_end(); ++n) {
      place_ = first + n;
      if (n == count) refuse("another word, but line 1 says ", count, " words");
      const auto piece = bytes_.take_until('\n', most_of_line_);
      if (!piece) refuse_line();
      read_line(trimmed(piece->bytes), width);
    }
    if (n < options_.limit && n < count) fail<FormatError>(name_, ": ", n, " words, but line 1 says ", count);
  }
  void read_line(std::string_view line, Index width) {
    if (line.empty()) refuse("is empty, expected a word and its numbers");
    if (between_fields.find(line.front()) != std::string_view::npos) refuse("begins with a space, expected a word");
    const WordVectorLine parts(line, width);
    if (parts.found != width) refuse(parts.found, " numbers, expected ", width, " as line 1 says");
    if (parts.word.size() > most_of_word)
      refuse("a word of ", parts.word.size(), " bytes, expected at most ", most_of_word);
    float* const vector = keep(parts.word);
    if (vector == nullptr) return;
    std::string_view rest = parts.numbers;
    for (Index k = 0; k < width; ++k) {
      const std::string_view text = rest.substr(0, rest.find_first_of(between_fields));
      rest.remove_prefix((std::min)(rest.find_first_not_of(between_fields, text.size()), rest.size()));
      const auto value = parse_number(text);
      if (!value) refuse(quote_word(text), " is not a number");
      if (!has_finite_bits(*value) || (std::abs)(*value) > as<double>((std::numeric_limits<float>::max)()))
        refuse("number ", k + 1, " of ", quote_word(parts.word), " is ", text, ", expected a finite float");
      vector[k] = static_cast<float>(*value);
    }
  }

  void read_binary(std::int64_t count, Index width) {
    kept_.emplace(width);
    binary_ = true;
    const std::size_t size = 4 * static_cast<std::size_t>(width);
    std::string word;
    for (Index n = 0; n < count; ++n) {
      if (n == options_.limit) return;
      place_ = n + 1;
      if (bytes_.peek(1) == "\n") bytes_.take(1);
      const auto piece = bytes_.take_until(' ', most_of_word);
      if (!piece) refuse("no space in ", most_of_word, " bytes, expected one behind the word");
      if (!piece->ended) refuse("the file ends, but line 1 says ", count, " words");
      word = piece->bytes;
      if (word.empty()) refuse("is empty");
      const std::string_view bytes = bytes_.take(size);
      if (bytes.size() < size) refuse("the file ends after ", bytes.size(), " of the ", size, " bytes of its vector");
      float* const vector = keep(word);
      for (Index k = 0; vector != nullptr && k < width; ++k) {
        vector[k] = float_of(bytes.data() + 4 * k);
        if (!has_finite_bits(vector[k])) refuse("number ", k + 1, " of ", quote_word(word), " is not finite");
      }
    }
    if (bytes_.peek(1) == "\n") bytes_.take(1);
    require<FormatError>(bytes_.at_end(), name_, ": goes on behind the ", count, " words that line 1 says");
  }

  std::string name_;
  const WordVectorOptions& options_;
  const TokenTable* wanted_;
  ByteWindow bytes_;
  std::size_t most_of_line_;
  std::optional<GrowingVectors> kept_;
  Index place_ = 0;  // of the present line or word
  bool binary_ = false;
};

}  // namespace unroll::inline UNROLL_ABI::detail
