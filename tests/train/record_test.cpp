#include <doctest/doctest.h>

#include <unroll/train/record.hpp>

#include "../support/not_finite.hpp"

TEST_CASE("a record gives back what was put in, also from under a prefix") {
  unroll::Record inner, outer;
  inner.set("count", 3);
  inner.set("rate", 0.5);
  inner.set("name", "x");
  outer.insert("a", inner);
  outer.set("ab", 1);
  CHECK(outer.integer("a.count") == 3);
  const auto part = outer.part("a");
  CHECK(part.values().size() == 3);
  CHECK(part.number("rate") == 0.5);
  CHECK(part.get<std::string>("name") == "x");
}

TEST_CASE("what is missing, of another type, of another size or twice there is named") {
  unroll::Record record;
  record.set("count", 3);
  record.set("two", std::vector<double>{1, 2});
  CHECK_THROWS_WITH_AS(record.integer("other"), "checkpoint: no value 'other'", unroll::FormatError);
  CHECK_THROWS_WITH_AS(record.number("count"), "checkpoint: 'count' is of another type than expected",
                       unroll::FormatError);
  CHECK_THROWS_WITH_AS(record.number("two"), "checkpoint: 'two' has 2 numbers, expected 1", unroll::FormatError);
  CHECK_THROWS_WITH(record.set("count", 4), "Record: two values are called 'count'");
}

TEST_CASE("what is wrong in a part is told with where it came from and its whole name") {
  unroll::Record inner, record;
  inner.set("wait", 7);
  inner.set("counts", std::vector<std::int64_t>{3, -1});
  inner.set("numbers", std::vector<double>{1, not_finite::of_bits<double>(0x7FF0000000000000)});
  record.insert("callback.0", inner);
  record.set_source("run.file");
  const auto part = record.part("callback").part("0");
  CHECK(part.source() == "run.file");
  CHECK(part.integer("wait", 0, 7) == 7);
  const auto says = [&](const auto& f) {
    try {
      f();
    } catch (const unroll::FormatError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(says([&] { part.integer("wait", 0, 6); }) == "run.file: 'callback.0.wait' is 7, expected 0 to 6");
  CHECK(says([&] { part.counts("counts", 2); }) == "run.file: 'callback.0.counts' has -1, expected 0 to 2^53");
  CHECK(says([&] { part.counts("counts", 3); }) == "run.file: 'callback.0.counts' has 2 numbers, expected 3");
  CHECK(says([&] { part.numbers("numbers", 2); }) ==
        "run.file: 'callback.0.numbers' has inf, expected a finite number");
  CHECK(says([&] { part.number("other"); }) == "run.file: no value 'callback.0.other'");
  CHECK(says([&] { part.check(false, "a sentence of ", 3, " parts"); }) == "run.file: a sentence of 3 parts");
}

TEST_CASE("a record is like another of the same names, types and sizes, and finite where that one is") {
  const float infinity = not_finite::of_bits<float>(0x7F800000);
  unroll::Matrix<float> finite(1, 2), infinite(1, 2);
  finite << 1, 2;
  infinite << 1, infinity;
  const auto of = [](const unroll::Matrix<float>& w) {
    unroll::Record record;
    record.set("w", unroll::Record::Value(w));
    record.set("name", "x");
    return record;
  };
  const auto says = [&](const unroll::Record& record, const unroll::Record& expected) {
    try {
      record.check_like(expected);
    } catch (const unroll::FormatError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(says(of(finite), of(finite)) == "");
  CHECK(says(of(infinite), of(infinite)) == "");
  CHECK(says(of(finite), of(infinite)) == "");
  CHECK(says(of(infinite), of(finite)) == "checkpoint: 'w': element 1 is not a finite number");
  CHECK(says(of(finite.transpose()), of(finite)) == "checkpoint: 'w' is 2 x 1, expected 1 x 2");
  auto more = of(finite);
  more.set("more", 1);
  CHECK(says(more, of(finite)) == "checkpoint: nothing here has a place for 'more'");
  CHECK(says(of(finite), more) == "checkpoint: no value 'more'");
}
