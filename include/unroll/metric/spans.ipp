// Bodies of metric/spans.hpp.
#pragma once

#include <algorithm>
#include <cstdio>

#include <unroll/metric/spans.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
/// A tag in the letters of IOBES.
struct Tag {
  char letter = 'O';
  std::string_view kind{};
};
inline Tag read_tag(std::string_view text, std::size_t at) {
  if (text == "O") return {};
  const std::size_t letter = text.empty() ? std::string_view::npos : std::string_view("BIESLU").find(text[0]);
  if (letter == std::string_view::npos || text.size() < 3 || text[1] != '-')
    fail("spans_of: tag ", at, " is '", text, "', expected O, or one of B I E S L U, a hyphen and a kind");
  return {"BIESES"[letter], text.substr(2)};
}
}  // namespace detail

UNROLL_FUNCTION std::vector<Span> spans_of(std::span<const std::string_view> tags) {
  std::vector<Span> spans;
  detail::Tag before;
  bool open = false;
  for (std::size_t t = 0; t < tags.size(); ++t) {
    const detail::Tag tag = detail::read_tag(tags[t], t);
    const bool goes_on = open && (before.letter == 'B' || before.letter == 'I') &&
                         (tag.letter == 'I' || tag.letter == 'E') && tag.kind == before.kind;
    if (goes_on)
      spans.back().last = static_cast<Index>(t);
    else if (tag.letter != 'O')
      spans.push_back({static_cast<Index>(t), static_cast<Index>(t), std::string(tag.kind)});
    open = tag.letter != 'O';
    before = tag;
  }
  return spans;
}
UNROLL_FUNCTION std::vector<Span> spans_of(const std::vector<std::string>& tags) {
  return spans_of(std::vector<std::string_view>(tags.begin(), tags.end()));
}
UNROLL_FUNCTION std::vector<std::string> as_bio(const std::vector<std::string>& tags) {
  std::vector<std::string> bio(tags.size(), "O");
  for (const Span& span : spans_of(tags))
    for (Index t = span.first; t <= span.last; ++t)
      bio[static_cast<std::size_t>(t)] = (t == span.first ? "B-" : "I-") + span.kind;
  return bio;
}

UNROLL_FUNCTION void SpanScores::add(const std::vector<std::string>& truth, const std::vector<std::string>& predicted) {
  require(truth.size() == predicted.size(), "SpanScores: ", truth.size(), " tags and ", predicted.size(),
          " predictions");
  const std::vector<Span> there = spans_of(truth), found = spans_of(predicted);
  for (const Span& span : there) ++kinds_[span.kind].there;
  for (const Span& span : found) {
    Counts& counts = kinds_[span.kind];
    ++counts.predicted;
    if (std::find(there.begin(), there.end(), span) != there.end()) ++counts.right;
  }
}
UNROLL_FUNCTION const std::string& SpanScores::tag(Index k) const {
  require(k >= 0 && k < std::ssize(tags_), "SpanScores: class ", k, ", but it was made with ", tags_.size(), " tags");
  return tags_[static_cast<std::size_t>(k)];
}
UNROLL_FUNCTION void SpanScores::add_steps(const Packing& packing, std::span<const Index> labels,
                                           std::span<const Index> decided) {
  require(packing.total() == std::ssize(labels) && labels.size() == decided.size(), "SpanScores: ", labels.size(),
          " labels and ", decided.size(), " decisions for ", packing.total(), " steps");
  for (Index j = 0; j < packing.batch(); ++j) {
    std::vector<std::string> truth, predicted;
    for (Index t = 0; t < packing.length(j); ++t) {
      const auto n = static_cast<std::size_t>(packing.offset(t) + j);
      if (labels[n] < 0) continue;
      truth.push_back(tag(labels[n]));
      predicted.push_back(tag(decided[n]));
    }
    add(truth, predicted);
  }
}
UNROLL_FUNCTION MetricValues SpanScores::values() const {
  const Counts of_all = all();
  MetricValues values{
      {"span_precision", of_all.precision()}, {"span_recall", of_all.recall()}, {"span_f1", of_all.f1()}};
  for (const auto& [kind, counts] : kinds_) values[concat_text("span_f1_", kind)] = counts.f1();
  return values;
}
UNROLL_FUNCTION SpanScores::Counts SpanScores::all() const {
  Counts sum;
  for (const auto& [kind, counts] : kinds_)
    sum = {sum.right + counts.right, sum.predicted + counts.predicted, sum.there + counts.there};
  return sum;
}
UNROLL_FUNCTION std::string SpanScores::str() const {
  std::string text;
  const auto line = [&](std::string_view name, const Counts& c) {
    char numbers[96];
    std::snprintf(numbers, sizeof numbers, "  precision %6.2f %%  recall %6.2f %%  F1 %6.2f %%  of %lld\n",
                  100 * c.precision(), 100 * c.recall(), 100 * c.f1(), static_cast<long long>(c.there));
    text += name;
    text.append(name.size() < 8 ? 8 - name.size() : 0, ' ');
    text += numbers;
  };
  for (const auto& [kind, counts] : kinds_) line(kind, counts);
  line("all", all());
  return text;
}

}  // namespace unroll::inline UNROLL_ABI
