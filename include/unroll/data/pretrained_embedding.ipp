// Bodies of data/pretrained_embedding.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <string_view>

#include <Eigen/Core>

#include <unroll/core/random.hpp>
#include <unroll/core/range.hpp>
#include <unroll/data/pretrained_embedding.hpp>
#include <unroll/text/lower_case.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {

/// Vectors like those there are.
class VectorsLike {
 public:
  explicit VectorsLike(const Matrix<float>& vectors) {
    const auto n = static_cast<double>(vectors.cols());
    mean_ = vectors.cast<double>().rowwise().sum() / n;
    deviation_ = ((vectors.cast<double>().colwise() - mean_).array().square().rowwise().sum() / n).sqrt();
  }
  template <class Column> void draw(Rng rng, Column&& to) const {
    for (Index k = 0; k < mean_.size(); ++k) to(k) = static_cast<float>(mean_(k) + deviation_(k) * rng.normal());
  }

 private:
  Eigen::VectorXd mean_, deviation_;
};

inline double share_of(Index some, Index all) {
  return all == 0 ? 0 : static_cast<double>(some) / static_cast<double>(all);
}

inline void check_pretrained(const Vocabulary& vocabulary, const WordVectors& vectors, Index rows, Index columns,
                             std::int32_t padding, const PretrainedOptions& options) {
  require(vectors.size() > 0, "fill_embedding: there are no vectors");
  require(rows == vectors.width(), "fill_embedding: the embedding has ", rows, " features, the vectors have ",
          vectors.width(), " numbers");
  require(columns == vocabulary.size(), "fill_embedding: the embedding has ", columns, " tokens, the vocabulary has ",
          vocabulary.size());
  require(padding >= -1 && padding < columns, "fill_embedding: padding index ", padding, ", expected -1 to ",
          columns - 1);
  require_at_least("fill_embedding", "missing_words", options.missing_words, 0);
  require(options.counts.empty() || static_cast<Index>(options.counts.size()) == columns,
          "fill_embedding: ", options.counts.size(), " counts, expected one for each of ", columns, " tokens");
  for (const Index count : options.counts) require_at_least("fill_embedding", "a count", count, 0);
}

UNROLL_FUNCTION Matrix<float> pretrained_table(const Vocabulary& vocabulary, const WordVectors& vectors, Index rows,
                                               Index columns, std::int32_t padding, const PretrainedOptions& options,
                                               WordCoverage& coverage) {
  check_pretrained(vocabulary, vectors, rows, columns, padding, options);
  const VectorsLike like(vectors.vectors());
  Matrix<float> table(rows, columns);
  const auto count_of = [&](Index id) {
    return options.counts.empty() ? 0 : options.counts[static_cast<std::size_t>(id)];
  };
  std::vector<Index> missing;
  for (Index id = 0; id < columns; ++id) {
    if (id == padding) {
      table.col(id).setZero();
      continue;
    }
    const std::string_view word = vocabulary.token(static_cast<std::int32_t>(id));
    Index found = vectors.find(word);
    WordCoverage::Part* part = &coverage.found;
    if (found == WordVectors::not_found && options.lower_case) {
      found = vectors.find(unroll::lower_case(word));
      part = &coverage.lower_case;
    }
    if (found == WordVectors::not_found) {
      like.draw(Rng(options.seed).child(static_cast<std::uint64_t>(id)), table.col(id));
      part = &coverage.missing;
    } else {
      table.col(id) = vectors.vectors().col(found);
    }
    if (id == Vocabulary::pad || id == Vocabulary::oov) continue;
    ++part->words;
    part->tokens += count_of(id);
    if (part == &coverage.missing) missing.push_back(id);
  }
  const auto count = (std::min)(static_cast<Index>(missing.size()), options.missing_words);
  std::ranges::partial_sort(missing, missing.begin() + count, [&](Index a, Index b) {
    return count_of(a) != count_of(b) ? count_of(a) > count_of(b) : a < b;
  });
  missing.resize(static_cast<std::size_t>(count));
  for (const Index id : missing)
    coverage.missing_words.emplace_back(vocabulary.token(static_cast<std::int32_t>(id)), count_of(id));
  return table;
}

}  // namespace detail

UNROLL_FUNCTION double WordCoverage::share_of_words() const {
  return detail::share_of(found.words + lower_case.words, words());
}
UNROLL_FUNCTION double WordCoverage::share_of_tokens() const {
  return detail::share_of(found.tokens + lower_case.tokens, tokens());
}

UNROLL_FUNCTION std::string WordCoverage::str() const {
  const bool counted = tokens() > 0;
  std::string text = concat_text("                    words", counted ? "                 tokens" : "", "\n");
  const auto append = [&](const char* name, const Part& part) {
    std::array<char, 128> line{};
    const auto cell = [&](const char* format, Index some, Index all) {
      std::snprintf(line.data(), line.size(), format, static_cast<long long>(some), 100 * detail::share_of(some, all));
      text += line.data();
    };
    std::snprintf(line.data(), line.size(), "%-13s", name);
    text += line.data();
    cell("%12lld %6.1f %%", part.words, words());
    if (counted) cell("%14lld %6.1f %%", part.tokens, tokens());
    text += '\n';
  };
  append("found", found);
  append("in lower case", lower_case);
  append("missing", missing);
  if (missing_words.empty()) return text;
  text += counted ? "most frequent missing:" : "missing:";
  for (std::size_t k = 0; k < missing_words.size(); ++k) {
    text += concat_text(k > 0 ? ", " : " ", missing_words[k].first);
    if (counted) text += concat_text(" (", missing_words[k].second, ")");
  }
  if (missing.words > static_cast<Index>(missing_words.size())) text += ", ..";
  return text + '\n';
}

}  // namespace unroll::inline UNROLL_ABI
