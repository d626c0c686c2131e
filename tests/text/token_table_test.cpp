#include <cstdint>
#include <string>
#include <utility>

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
}
