// Edit distances against those counted by hand and by the definition.
#include <algorithm>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <unroll/core/random.hpp>
#include <unroll/metric/edit_distance.hpp>

namespace edit_distance_test {
using namespace unroll;

/// Its definition, in exponential time.
Index by_definition(const std::string& a, const std::string& b) {
  if (a.empty() || b.empty()) return Index(a.size() + b.size());
  const std::string a_rest = a.substr(1), b_rest = b.substr(1);
  return std::min({by_definition(a_rest, b_rest) + (a[0] == b[0] ? 0 : 1), by_definition(a_rest, b) + 1,
                   by_definition(a, b_rest) + 1});
}

TEST_CASE("the edit distance is the least number of edits") {
  const auto distance = [](const std::string& a, const std::string& b) { return edit_distance(a, b); };
  CHECK(distance("kitten", "sitting") == 3);
  CHECK(distance("sunday", "saturday") == 3);
  CHECK(distance("", "abc") == 3);
  CHECK(distance("abc", "") == 3);
  CHECK(distance("", "") == 0);
  CHECK(distance("ab", "ba") == 2);  // a swap is two
  Rng rng(1);
  const auto draw = [&] {
    std::string text;
    for (auto n = rng.below(7); n > 0; --n) text += char('a' + int(rng.below(3)));
    return text;
  };
  for (int k = 0; k < 100; ++k) {
    const std::string a = draw(), b = draw();
    CAPTURE(a);
    CAPTURE(b);
    CHECK(distance(a, b) == by_definition(a, b));
  }
}

TEST_CASE("error rates are edits per token of the references, of labels and of words") {
  const std::vector<std::vector<Index>> labels{{1, 2, 3}, {}, {4, 4}}, right{{1, 3}, {5}, {4, 4, 4}};
  CHECK(error_rate(labels, right) == doctest::Approx(3.0 / 6));
  using Words = std::vector<std::vector<std::string>>;
  CHECK(error_rate(Words{{"a", "cat", "sat"}}, Words{{"the", "cat", "sat", "down"}}) == doctest::Approx(0.5));
  ErrorRate all, some;
  all.add(labels[0], right[0]), some.add(labels[1], right[1]);
  all += some;
  CHECK((all.edits == 2 && all.tokens == 3));
  CHECK_THROWS_WITH(ErrorRate{}.rate(), "ErrorRate: the references have no token, a rate needs at least one");
  CHECK_THROWS_WITH(error_rate(labels, {}), "error_rate: 3 hypotheses and 0 references, expected as many");
}

}  // namespace edit_distance_test
