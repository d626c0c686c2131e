// Bodies of text/byte_pair_encoding.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <limits>
#include <queue>
#include <system_error>

#include <unroll/core/error.hpp>
#include <unroll/core/utf8.hpp>
#include <unroll/text/byte_alphabet.hpp>
#include <unroll/text/byte_pair_encoding.hpp>
#include <unroll/text/lines.hpp>
#include <unroll/text/pre_tokenize.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {

inline constexpr std::string_view byte_pairs_magic = "unroll-byte-pairs";
inline constexpr std::string_view byte_pairs_version = "1";
inline constexpr std::array<std::string_view, BytePairEncoding::first_byte> special_tokens{
    Vocabulary::pad_token, Vocabulary::oov_token, "<BOS>", "<EOS>"};

inline constexpr std::int32_t most_byte_pairs =
    (std::numeric_limits<std::int32_t>::max)() - BytePairEncoding::first_merge;

/// The tokens of a piece, and those of their pairs that can be merged, the earliest merge and then the leftmost first.
struct MergeQueue {
  struct Symbol {
    std::int32_t id, previous, next;  // none: -1
    std::int32_t rank;                // of the pair with the next one, or none
  };
  std::vector<Symbol> symbols;
  std::priority_queue<std::uint64_t, std::vector<std::uint64_t>, std::greater<>> pairs;

  Symbol& at(std::int32_t place) { return symbols[static_cast<std::size_t>(place)]; }
  void rank_pair(std::int32_t left, const PairTable& ranks) {
    Symbol& symbol = at(left);
    symbol.rank = symbol.next < 0 ? TokenTable::not_found : ranks.find({symbol.id, at(symbol.next).id});
    if (symbol.rank >= 0) pairs.push(static_cast<std::uint64_t>(symbol.rank) << 32 | static_cast<std::uint32_t>(left));
  }
};

/// The bytes that a text in their alphabet spells; false where it is in no such alphabet.
inline bool read_letters(std::string_view text, std::string& bytes) {
  bytes.clear();
  bool is_spelled = !text.empty();
  for_each_code_point(text, [&](const CodePoint& point, std::string_view) {
    const int byte = byte_of_letter(point.value);
    is_spelled = is_spelled && byte >= 0;
    bytes += static_cast<char>(byte);
  });
  return is_spelled;
}

}  // namespace detail

UNROLL_FUNCTION BytePairEncoding::BytePairEncoding() {
  for (int byte = 0; byte < 256; ++byte) {
    const auto c = static_cast<char>(byte);
    tokens_.insert(std::string_view(&c, 1));
  }
}

UNROLL_FUNCTION std::string_view BytePairEncoding::token(std::int32_t id) const {
  require(id >= 0 && id < size(), "BytePairEncoding: got id ", id, ", expected 0 to ", size() - 1);
  return id < first_byte ? detail::special_tokens[static_cast<std::size_t>(id)] : tokens_[id - first_byte];
}
UNROLL_FUNCTION std::vector<std::pair<std::string, std::string>> BytePairEncoding::merges() const {
  std::vector<std::pair<std::string, std::string>> list;
  for (std::int32_t k = 0; k < pairs_.size(); ++k) list.emplace_back(token(pairs_[k].left), token(pairs_[k].right));
  return list;
}

// No two merges make the same token: within what becomes a token no merge ever crosses its ends, so that its bytes are
// merged as if they stood alone, and always in the same way. For the same reason the bytes of a token, which are looked
// up, encode to that token.

UNROLL_FUNCTION void BytePairEncoding::append(detail::TokenPair pair) {
  std::string bytes(token(pair.left));
  bytes += token(pair.right);
  tokens_.insert(std::string_view(bytes));
  pairs_.insert(pair);
}

UNROLL_FUNCTION BytePairEncoding BytePairEncoding::learn_of(EachText texts, const BytePairOptions& options) {
  constexpr Index most = (std::numeric_limits<std::int32_t>::max)();
  require(options.max_size >= first_merge && options.max_size <= most, "BytePairEncoding: max_size is ",
          options.max_size, ", expected ", first_merge, " to ", most);
  require(options.min_frequency >= 1, "BytePairEncoding: min_frequency is ", options.min_frequency,
          ", expected 1 or more");
  TokenTable pieces;
  std::vector<Index> counts;
  texts([&](std::string_view text) {
    pre_tokenize(text, [&](std::string_view piece) {
      const auto k = static_cast<std::size_t>(pieces.insert(piece));
      if (k == counts.size()) counts.push_back(0);
      ++counts[k];
    });
  });
  BytePairEncoding encoding;
  detail::MergeLearner learner(pieces, counts, first_byte, options.min_frequency);
  for (detail::TokenPair pair; encoding.size() < options.max_size && learner.find_most_frequent(pair);) {
    learner.merge(pair, static_cast<std::int32_t>(encoding.size()));
    encoding.append(pair);
  }
  return encoding;
}

UNROLL_FUNCTION void BytePairEncoding::merge_piece(std::string_view piece, detail::MergeQueue& queue,
                                                   std::vector<std::int32_t>& ids) const {
  if (const std::int32_t found = tokens_.find(piece); found != TokenTable::not_found) {
    ids.push_back(first_byte + found);
    return;
  }
  require(piece.size() <= static_cast<std::size_t>((std::numeric_limits<std::int32_t>::max)()),
          "BytePairEncoding: a word has ", piece.size(), " bytes, expected at most 2^31 - 1");
  const auto count = static_cast<std::int32_t>(piece.size());
  queue.symbols.clear();
  for (std::int32_t i = 0; i < count; ++i)
    queue.symbols.push_back({first_byte + static_cast<unsigned char>(piece[static_cast<std::size_t>(i)]), i - 1,
                             i + 1 < count ? i + 1 : -1, TokenTable::not_found});
  for (std::int32_t i = 0; i < count; ++i) queue.rank_pair(i, pairs_);
  while (!queue.pairs.empty()) {
    const auto rank = static_cast<std::int32_t>(queue.pairs.top() >> 32);
    const auto place = static_cast<std::int32_t>(queue.pairs.top() & 0xFFFFFFFF);
    queue.pairs.pop();
    auto& left = queue.at(place);
    if (left.rank != rank) continue;  // merged meanwhile
    auto& right = queue.at(left.next);
    left.id = first_merge + rank;
    left.next = right.next;
    right.rank = TokenTable::not_found;
    if (left.next >= 0) queue.at(left.next).previous = place;
    queue.rank_pair(place, pairs_);
    if (left.previous >= 0) queue.rank_pair(left.previous, pairs_);
  }
  for (std::int32_t place = 0; place >= 0; place = queue.at(place).next) ids.push_back(queue.at(place).id);
}

UNROLL_FUNCTION std::vector<std::int32_t> BytePairEncoding::encode(std::string_view text) const {
  std::vector<std::int32_t> ids;
  encode(text, ids);
  return ids;
}
UNROLL_FUNCTION void BytePairEncoding::encode(std::string_view text, std::vector<std::int32_t>& ids) const {
  ids.clear();
  detail::MergeQueue queue;
  pre_tokenize(text, [&](std::string_view piece) { merge_piece(piece, queue, ids); });
}
UNROLL_FUNCTION std::string BytePairEncoding::decode(std::span<const std::int32_t> ids) const {
  std::string text;
  for (const std::int32_t id : ids) {
    const std::string_view bytes = token(id);
    if (id >= first_byte) text += bytes;
  }
  return text;
}

UNROLL_FUNCTION Tokenizer BytePairEncoding::tokenizer() const {
  std::uint64_t hash = 0xCBF29CE484222325u;  // FNV-1a
  for (const char c : text()) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
  std::string name = "byte-pairs-";
  for (int shift = 60; shift >= 0; shift -= 4) name += "0123456789abcdef"[hash >> shift & 15];
  const auto tokenize = [encoding = *this](std::string_view text, FunctionRef<std::string_view> on_token) {
    for (const std::int32_t id : encoding.encode(text)) on_token(spell_bytes(encoding.token(id)));
  };
  return Tokenizer(std::move(name), tokenize, "");
}
UNROLL_FUNCTION Vocabulary BytePairEncoding::vocabulary() const {
  std::vector<std::string> tokens(detail::special_tokens.begin(), detail::special_tokens.end());
  for (std::int32_t id = first_byte; id < size(); ++id) tokens.push_back(spell_bytes(token(id)));
  return Vocabulary::from_tokens(tokens, tokenizer(), "BytePairEncoding");
}

UNROLL_FUNCTION std::string BytePairEncoding::text() const {
  std::string text = concat_text(detail::byte_pairs_magic, ' ', detail::byte_pairs_version, ' ', pairs_.size(), '\n');
  for (const auto& [left, right] : merges()) text += spell_bytes(left) + ' ' + spell_bytes(right) + '\n';
  return text;
}
/// What is wrong, or nothing.
UNROLL_FUNCTION std::string BytePairEncoding::append_line(std::string_view line) {
  detail::TokenPair pair;
  std::string bytes, both;
  for (std::int32_t* id : {&pair.left, &pair.right}) {
    const std::string_view part = id == &pair.left ? detail::take_until(line, ' ') : line;
    if (!detail::read_letters(part, bytes))
      return concat_text("got '", part, "', expected two tokens in the alphabet of bytes, with a space between them");
    const std::int32_t found = tokens_.find(std::string_view(bytes));
    if (found == TokenTable::not_found)
      return concat_text("got '", part, "', expected a byte or a token that a line above makes");
    *id = first_byte + found;
    both += bytes;
  }
  const std::vector<std::int32_t> ids = encode(both);
  if (ids.size() == 1)
    return concat_text("makes '", spell_bytes(both), "', which line ", ids[0] - first_merge + 2, " makes");
  std::size_t pieces = 0;
  pre_tokenize(both, [&](std::string_view) { ++pieces; });
  if (pieces > 1 || ids != std::vector{pair.left, pair.right})
    return concat_text("makes '", spell_bytes(both), "', but no text encodes to that: ",
                       pieces > 1 ? "words are cut there" : "the lines above cut it otherwise");
  append(pair);
  return {};
}
UNROLL_FUNCTION BytePairEncoding BytePairEncoding::from_text(std::string_view text, std::string_view source) {
  require<FormatError>(!text.empty(), source, ": is empty");
  std::string_view header = detail::take_line(text);
  require<FormatError>(detail::take_until(header, ' ') == detail::byte_pairs_magic, source,
                       ":1: not a byte-pair encoding: expected '", detail::byte_pairs_magic, " ...'");
  const std::string_view version = detail::take_until(header, ' ');
  require<FormatError>(version == detail::byte_pairs_version, source, ":1: format version '", version, "', expected ",
                       detail::byte_pairs_version);
  std::int32_t count = 0;
  const auto [end, error] = std::from_chars(header.data(), header.data() + header.size(), count);
  require<FormatError>(
      error == std::errc() && end == header.data() + header.size() && count >= 0 && count <= detail::most_byte_pairs,
      source, ":1: number of merges '", header, "'");
  BytePairEncoding encoding;
  std::int32_t lines = 0;
  for (; !text.empty(); ++lines) {
    require<FormatError>(lines < count, source, ":", count + 2, ": got another line, expected ", count, " merges");
    const std::string mistake = encoding.append_line(detail::take_line(text));
    require<FormatError>(mistake.empty(), source, ":", lines + 2, ": ", mistake);
  }
  require<FormatError>(lines == count, source, ": ", lines, " merges, expected ", count);
  return encoding;
}

}  // namespace unroll::inline UNROLL_ABI
