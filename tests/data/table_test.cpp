// Tables: what a CSV file may look like, what is missing in it, and what is refused by line and column.
#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <unroll/data/table.hpp>

namespace {
using namespace unroll;
using Names = std::vector<std::string>;

/// A table out of text.
DataTable table_of(const std::string& text, TableOptions options = {}) {
  options.read = [text](const std::filesystem::path&) { return text; };
  return read_table("t.csv", options);
}
void check_refused_table(const std::string& text, const std::string& message, const TableOptions& options = {}) {
  CAPTURE(text);
  CHECK_THROWS_WITH_AS(table_of(text, options), message.c_str(), FormatError);
}
}  // namespace

TEST_CASE("a table has columns by name, in the order in which they are asked for") {
  const std::string text = "date,a,b\n2016-07-01 00:00:00,1,-2.5\n2016-07-01 01:00:00,+3,4e2\n";
  const DataTable all = table_of(text, {.time = "date"});
  CHECK(all.names == Names{"a", "b"});
  CHECK(all.values == Matrix<float>((Eigen::MatrixXf(2, 2) << 1, 3, -2.5, 400).finished()));
  CHECK(all.times == std::vector<std::int64_t>{1467331200, 1467334800});
  CHECK(all.mask.size() == 0);
  const DataTable some = table_of(text, {.columns = {"b"}});
  CHECK(some.names == Names{"b"});
  CHECK(some.times.empty());
  CHECK(some.values(0, 1) == 400);
  CHECK(all.select(Names{"b", "a"}).col(0) == Eigen::Vector2f(-2.5, 1));
  CHECK(all.column("b") == 1);
}

TEST_CASE("quotes, other separators, ends of lines, a byte order mark and empty lines are read") {
  const DataTable table =
      table_of("\xEF\xBB\xBF\"a \"\"x\"\", y\"; b \r\n\"1\"; 2 \r\n\r\n3;\"4\"", {.delimiter = ';'});
  CHECK(table.names == Names{"a \"x\", y", "b"});
  CHECK(table.values == Matrix<float>((Eigen::MatrixXf(2, 2) << 1, 3, 2, 4).finished()));
}

TEST_CASE("what is missing is an error, a dropped row, the number before it, or kept with a mask") {
  const std::string text = "t,a,b\n2020-01-01,1,2\n2020-01-02,,3\n2020-01-03,NA,4\n2020-01-05,5,nan\n";
  const TableOptions options{.time = "t"};
  const auto how = [&](Missing missing) {
    TableOptions other = options;
    other.missing = missing;
    return other;
  };
  check_refused_table(text, "t.csv:3: column 'a' has no number: {.missing = ..} says what then", options);

  const DataTable dropped = table_of(text, how(Missing::drop_row));
  CHECK(dropped.rows() == 1);
  CHECK(dropped.times.size() == 1);

  const DataTable carried = table_of(text, how(Missing::carry_forward));
  CHECK(carried.values == Matrix<float>((Eigen::MatrixXf(2, 4) << 1, 1, 1, 5, 2, 3, 4, 4).finished()));
  CHECK(carried.mask == Matrix<float>((Eigen::MatrixXf(2, 4) << 1, 0, 0, 1, 1, 1, 1, 0).finished()));
  CHECK(carried.since.row(0) == Eigen::RowVector4f(0, 86400, 2 * 86400, 0));
  CHECK(carried.since(1, 3) == 2 * 86400);
  check_refused_table("a\nNA\n", "t.csv:2: column 'a' has no number, and none before it to carry forward",
                      {.missing = Missing::carry_forward});

  const DataTable kept = table_of("a,b\nNA,1\nnull,2\n3,3\nNone,4\n", {.missing = Missing::keep});
  CHECK(std::isnan(kept.values(0, 1)));
  CHECK(std::isnan(kept.values(0, 3)));
  CHECK(kept.mask.row(0) == Eigen::RowVector4f(0, 0, 1, 0));
  CHECK(kept.since.row(0) == Eigen::RowVector4f(0, 1, 0, 1));
}

TEST_CASE("a table that cannot be one is refused by line and column") {
  check_refused_table("a,b\n1,2\n3\n", "t.csv:3: fields: 1, expected 2");
  check_refused_table("a,b\n1,2,3\n", "t.csv:2: fields: 3, expected 2");
  check_refused_table(
      "a,b\n1,x2\n", "t.csv:2: column 'b' is 'x2', expected a number; columns of numbers are named in {.columns = ..}");
  check_refused_table(
      "a\n1.5z\n", "t.csv:2: column 'a' is '1.5z', expected a number; columns of numbers are named in {.columns = ..}");
  check_refused_table(
      "a\ninf\n", "t.csv:2: column 'a' is 'inf', expected a number; columns of numbers are named in {.columns = ..}");
  check_refused_table("a,a\n1,2\n", "t.csv:1: two columns 'a'");
  check_refused_table("a,b\n1,2\n", "t.csv:1: no column 'c' in the header line: a, b", {.columns = {"c"}});
  check_refused_table("a,b\n", "t.csv: has no row");
  check_refused_table("a\nNA\n", "t.csv: has no row in which nothing is missing", {.missing = Missing::drop_row});
  check_refused_table("", "t.csv: is empty");
  check_refused_table("t,a\n2020-01-02,1\n2020-01-01,2\n",
                      "t.csv:3: column 't': 2020-01-01 is before the time of the row above", {.time = "t"});
  check_refused_table("t,a\n2020-13-02,1\n",
                      "t.csv:2: column 't': '2020-13-02' is no time, expected one such as 2016-07-01 or 2016-07-01 "
                      "13:30:00",
                      {.time = "t"});
  CHECK_THROWS_WITH_AS(table_of("a\n1\n", {.columns = {"a", "a"}}), "read_table: column 'a' is asked for twice",
                       std::invalid_argument);
  CHECK_THROWS_AS(table_of("a\n1\n", {.delimiter = '"'}), std::invalid_argument);
  CHECK_THROWS_WITH_AS(table_of("a,b\n1,2\n").column("c"), "DataTable: no column 'c', has a, b", std::invalid_argument);
  CHECK_THROWS_AS(read_table("there is no such file"), FormatError);
}

TEST_CASE("times are ISO 8601, with zones") {
  CHECK(parse_time("1970-01-01") == 0);
  CHECK(parse_time("1969-12-31T23:59") == -60);
  CHECK(parse_time("2016-02-29 12:00:01.75") == 1456747201);
  CHECK(parse_time("2016-07-01T00:30:05Z") == parse_time("2016-07-01T02:30:05+02:00"));
  CHECK(parse_time("2016-07-01T00:30:05Z") == parse_time("2016-06-30T19:30:05-0500"));
  for (const char* wrong : {"", "2016", "2016-7-01", "2015-02-29", "2016-07-01x", "2016-07-01 24:00", "2016-07-01 1:00",
                            "2016-07-01 10:60", "2016-07-01 10:00:00 ", "2016-07-01 10:00+", "01/07/2016"}) {
    CAPTURE(wrong);
    CHECK_THROWS_AS(parse_time(wrong), FormatError);
  }
}

TEST_CASE("gaps are where time jumps, and the calendar knows hour, weekday and day") {
  const std::vector<std::int64_t> times{0, 3600, 7200, 18000, 21600, 40000};
  CHECK(gaps_in(times, 3600) == std::vector<Index>{3, 5});
  CHECK_THROWS_AS(gaps_in(times, 0), std::invalid_argument);

  const std::vector<std::int64_t> at{parse_time("2016-07-01 18:00"), parse_time("2018-12-31"),
                                     parse_time("1969-12-29 12:00")};
  const Matrix<float> circle = calendar_features(at);
  REQUIRE(circle.rows() == 6);
  CHECK(circle(0, 0) == doctest::Approx(-1));                                  // sine of 18 h
  CHECK(circle(1, 0) == doctest::Approx(0).epsilon(1e-6));                     // cosine
  CHECK(circle(2, 0) == doctest::Approx(std::sin(8 * 3.14159265358979 / 7)));  // a Friday
  CHECK(circle(2, 1) == doctest::Approx(0));                                   // a Monday
  CHECK(circle(2, 2) == doctest::Approx(0));                                   // before 1970, too
  CHECK(circle(1, 2) == doctest::Approx(-1));
  const Matrix<float> scaled = calendar_features(at, {.day_of_month = true, .circle = false});
  REQUIRE(scaled.rows() == 4);
  CHECK(scaled.col(0).isApprox(Eigen::Vector4f(18.f / 23 - 0.5f, 4.f / 6 - 0.5f, -0.5f, 182.f / 365 - 0.5f)));
  CHECK(scaled(2, 1) == doctest::Approx(0.5));
}
