#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <unroll/text/token_table.hpp>

using unroll::TokenTable;

namespace {

/// Strings of 0 to 30 bytes, all different, many of them alike up to one byte.
std::string nth_token(int n) {
  std::string token(static_cast<std::size_t>(n % 31), 'a');
  return token + std::to_string(n);
}

}  // namespace

TEST_CASE("ids are given in the order of insertion, once for each token") {
  TokenTable table;
  CHECK(table.insert(std::string_view("the")) == 0);
  CHECK(table.insert(std::string_view("extraordinary")) == 1);
  CHECK(table.insert(std::string_view("the")) == 0);
  CHECK(table.insert(std::string_view("extraordinary")) == 1);
  CHECK(table.size() == 2);
  CHECK(table[0] == "the");
  CHECK(table[1] == "extraordinary");
  CHECK(table.find(std::string_view("film")) == TokenTable::not_found);
}

TEST_CASE("a hundred thousand tokens of all lengths are found again, and nothing else is") {
  TokenTable table;
  const int count = 100'000;
  for (int n = 0; n < count; ++n) REQUIRE(table.insert(std::string_view(nth_token(n))) == n);
  int wrong = 0;
  for (int n = 0; n < count; ++n) wrong += table.find(std::string_view(nth_token(n))) != n || table[n] != nth_token(n);
  for (int n = count; n < 2 * count; ++n) wrong += table.find(std::string_view(nth_token(n))) != TokenTable::not_found;
  CHECK(wrong == 0);
}

TEST_CASE("tokens that differ only in zero bytes at the end are different") {
  TokenTable table;
  std::string token = "a";
  for (std::int32_t n = 0; n < 20; ++n, token += '\0') CHECK(table.insert(std::string_view(token)) == n);
  CHECK(table.insert(std::string_view("")) == 20);
  CHECK(table.find(std::string_view("a\0\0", 3)) == 2);
}

TEST_CASE("a copy has its own tokens, and a moved table keeps them") {
  TokenTable copy;
  {
    TokenTable table;
    table.insert(std::string_view("one"));
    copy = table;
    table.insert(std::string_view("two"));
    CHECK(table != copy);
  }
  CHECK(copy.find(std::string_view("one")) == 0);
  CHECK(copy.find(std::string_view("two")) == TokenTable::not_found);
  const TokenTable moved = std::move(copy);
  CHECK(moved[0] == "one");
  CHECK(copy.size() == 0);  // NOLINT(bugprone-use-after-move)
  CHECK(copy.find(std::string_view("one")) == TokenTable::not_found);
  CHECK(copy.insert(std::string_view("three")) == 0);
}

namespace {

std::uint64_t word_of(const std::string& bytes, std::size_t at) {
  std::uint64_t word;
  std::memcpy(&word, bytes.data() + at, 8);
  return word;
}
std::string bytes_of(std::uint64_t word) {
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &word, 8);
  return bytes;
}
double seconds_to_insert(const std::vector<std::string>& tokens) {
  TokenTable table;
  const auto start = std::chrono::steady_clock::now();
  for (const std::string& token : tokens) table.insert(std::string_view(token));
  CHECK(table.size() == tokens.size());
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

TEST_CASE("tokens chosen to collide under a known hash take no longer than others") {
  // A multiplication by this number alone placed tokens once, which anybody can undo.
  constexpr std::uint64_t multiplier = 0x9E3779B97F4A7C15u;
  std::uint64_t inverse = 1;
  for (int k = 0; k < 6; ++k) inverse *= 2 - multiplier * inverse;
  std::vector<std::string> ordinary, short_ones, long_ones, differences;
  for (std::uint64_t n = 1; n <= 50'000; ++n) {
    ordinary.push_back(std::to_string(n * 7919) + "a token");
    short_ones.push_back(bytes_of(n * inverse - 8));  // all at the same place
    std::uint64_t hash = (16 ^ n) * multiplier;
    hash ^= hash >> 32;
    long_ones.push_back(bytes_of(n).append(bytes_of(hash ^ 12345)));  // all with the same hash
    // The top bit of a word stays alone in a product, so that the next word can take it back whatever the seed is.
    std::string token(8 * 32, 'x');
    for (std::size_t k = 0; k < 16; ++k)
      if ((n >> k & 1) != 0) {
        token.replace(16 * k, 8, bytes_of(word_of(token, 16 * k) ^ std::uint64_t{1} << 63));
        token.replace(16 * k + 8, 8, bytes_of(word_of(token, 16 * k + 8) ^ std::uint64_t{0x80000000'80000000}));
      }
    differences.push_back(token);
  }
  const double usual = seconds_to_insert(ordinary) + 0.01;
  CHECK(seconds_to_insert(short_ones) < 20 * usual);
  CHECK(seconds_to_insert(long_ones) < 20 * usual);
  CHECK(seconds_to_insert(differences) < 20 * usual);
}

TEST_CASE("a token is asked for by an id that there is") {
  TokenTable table;
  CHECK_THROWS_WITH_AS(table[0], "TokenTable: got id 0, expected 0 to -1", std::invalid_argument);
  table.insert(std::string_view("a"));
  CHECK_THROWS_AS(table[-1], std::invalid_argument);
  CHECK_THROWS_AS(table[1], std::invalid_argument);
}
