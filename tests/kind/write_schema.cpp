// Writes tools/kinds.json and the table of docs/kinds.md, which schema_test.cpp compares with the list of kinds:
//   g++ -std=c++20 -I include -isystem /usr/include/eigen3 tests/kind/write_schema.cpp -o /tmp/write_schema -pthread &&
//     /tmp/write_schema
#include <fstream>
#include <sstream>
#include <string>

#include "schema.hpp"

int main() {
  std::ofstream("tools/kinds.json") << kinds_json();
  std::ostringstream text;
  text << std::ifstream("docs/kinds.md").rdbuf();
  std::string page = text.str();
  const std::size_t begin = page.find("| kind |"), end = page.find("\n\n", begin);
  page.replace(begin, (end == std::string::npos ? page.size() : end + 1) - begin, kinds_table());
  std::ofstream("docs/kinds.md") << page;
}
