// What is generated from the list of kinds is as the list says. After a change: build and run write_schema.cpp.
#include "schema.hpp"

#include <fstream>
#include <sstream>
#include <string>

#include <doctest/doctest.h>

namespace {
std::string text_of_source(const std::string& name) {
  std::ifstream stream(std::string(UNROLL_SOURCE_DIR) + "/" + name, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}
}  // namespace

TEST_CASE("the Python tools know the library's kinds") { CHECK(text_of_source("tools/kinds.json") == kinds_json()); }

TEST_CASE("the table of kinds in the docs is the list") {
  CHECK(text_of_source("docs/kinds.md").find(kinds_table()) != std::string::npos);
}
