#include <doctest/doctest.h>

#include <unroll/train/record.hpp>

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
