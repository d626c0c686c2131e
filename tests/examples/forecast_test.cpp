// The forecaster as its user meets it.
#include <cmath>

#include <unroll/core/error.hpp>

#include "child.hpp"

namespace forecast_example_test {

using namespace child;
using Words = std::vector<std::string>;

const fs::path program = fs::path(UNROLL_EXAMPLES_DIR) / "forecast";

/// Two columns that go up and down every 8 rows, at different heights, which drift.
std::string waves(int rows) {
  std::string text = "time,a,b\n";
  for (int t = 0; t < rows; ++t) {
    const double wave = std::sin(t * 2 * 3.14159265358979 / 8), drift = 0.3 * std::sin(t * 0.01);
    text += unroll::concat_text(t < 300 ? "2024-01-01," : "2024-01-02,", wave + drift, ",", 50 - 10 * wave, "\n");
  }
  return text;
}
Words train_words(const fs::path& data, const fs::path& model, const Words& more) {
  Words words{"train",       "--data",  data.string(), "--save",   model.string(), "--time", "time",
              "--look-back", "16",      "--patch",     "4",        "--horizon",    "6",      "--season",
              "8",           "--units", "12",          "--epochs", "15",           "--rate", "0.01",
              "--dropout",   "0",       "--threads",   "1"};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}
/// The squared error that a line says.
double error_of(const std::string& out, const std::string& who) {
  for (const std::string& line : lines(out))
    if (line.starts_with(who)) return std::stod(line.substr(line.find("squared error ") + 14));
  FAIL("no line of " << who);
  return 0;
}

TEST_CASE("forecast train is better than what costs nothing, and predict goes on in the unit of the table") {
  const Folder folder;
  const fs::path data = folder.write("waves.csv", waves(600)), model = folder / "model.safetensors";
  const Result result = run(program, train_words(data, model, {"--log", (folder / "log.csv").string()}));
  check_well(result);
  CHECK(mentions(result.out, "600 rows of 2 columns"));
  CHECK(error_of(result.out, "the model") < 0.05);
  CHECK(error_of(result.out, "as it is now") > 0.5);
  CHECK(error_of(result.out, "as it was 8 before") < 0.05);
  CHECK(error_of(result.out, "NLinear") < 0.1);
  CHECK(error_of(result.out, "DLinear") < 0.5);
  CHECK(lines(read(folder / "log.csv")).size() == 16);

  const Result next = run(program, {"predict", "--data", data.string(), "--model", model.string()});
  check_well(next);
  const Words rows = lines(next.out);
  REQUIRE(rows.size() == 7);
  CHECK(rows[0] == "step,a,b");
  CHECK(std::abs(std::stod(rows[3].substr(rows[3].rfind(',') + 1)) - (50 - 10)) < 5);  // row 602
}

TEST_CASE("forecast takes one column and borders, and goes on where it was stopped") {
  const Folder folder;
  const fs::path data = folder.write("waves.csv", waves(400));
  const auto words = [&](const char* name, const char* epochs) {
    Words all =
        train_words(data, folder / name,
                    {"--column", "b", "--borders", "200,300,400", "--alone", "--resume", (folder / "run").string()});
    all[18] = epochs;
    return all;
  };
  const Result whole = run(program, words("one", "3"));
  check_well(whole);
  CHECK(mentions(whole.out, "400 rows of 1 columns; 179 windows to learn from, 95 to validate on, 95 to test"));
  CHECK_FALSE(mentions(whole.out, "NLinear"));
  const Result again = run(program, words("two", "3"));
  check_well(again);
  CHECK(again.last_line() == whole.last_line());
  CHECK_FALSE(mentions(again.out, "epoch 1/"));
}

TEST_CASE("forecast refuses bad input in one line") {
  const Folder folder;
  const fs::path data = folder.write("waves.csv", waves(100)), model = folder / "model",
                 hole = folder.write("hole.csv", "time,a\n2024-01-01,1\n2024-01-02,\n");
  const auto refused = [&](const Words& words, const Words& parts) { check_refused(run(program, words), parts); };
  refused(train_words(folder / "none", model, {}), {"forecast: ", "none"});
  refused(train_words(hole, model, {}), {"hole.csv:3", "column 'a'"});
  refused(train_words(data, model, {"--column", "c"}), {"no column 'c'"});
  refused(train_words(data, model, {"--borders", "10,20,30"}), {"no window of 16 steps"});
  refused(train_words(data, model, {"--borders", "10,20"}), {"--borders"});
  Words words = train_words(data, model, {});
  words[10] = "5";
  refused(words, {"--look-back 16", "--patch 5"});
  refused({"predict", "--data", data.string(), "--model", (folder / "none").string()}, {"none"});
}

}  // namespace forecast_example_test
