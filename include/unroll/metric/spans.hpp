// Names, chunks and other stretches of a sequence, as they are written in tags.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <unroll/core/error.hpp>
#include <unroll/core/matrix.hpp>
#include <unroll/metric/counts.hpp>
#include <unroll/metric/metric.hpp>

namespace unroll::inline UNROLL_ABI {

/// Steps first .. last of a sequence.
struct Span {
  Index first = 0, last = 0;
  std::string kind;
  bool operator==(const Span&) const = default;
};

/// The spans that tags say, by the rules of conlleval, which read IOB1 (`I-PER I-PER B-PER`), BIO (`B-PER I-PER`),
/// IOBES and BILOU (`B I L`, `U`) alike: a span begins at B, S and U, at I, E and L after O or after another kind, and
/// after what ends one. Throws for a tag that is none (`O`, or a letter of BIOESLU, a hyphen and a kind).
UNROLL_API std::vector<Span> spans_of(std::span<const std::string_view> tags);
UNROLL_API std::vector<Span> spans_of(const std::vector<std::string>& tags);
/// The same spans in BIO, where every one begins with a B: `I-PER I-PER` is `B-PER I-PER`.
UNROLL_API std::vector<std::string> as_bio(const std::vector<std::string>& tags);

/// Precision, recall and F1 over spans, which count where bounds and kind are right: conlleval's numbers (Tjong Kim
/// Sang and De Meulder 2003), added up over sequences.
class UNROLL_API SpanScores {
 public:
  using Counts = ClassCounts;

  SpanScores() = default;
  /// Of a tagger whose class k is tags[k], for `add` of its batches.
  explicit SpanScores(std::vector<std::string> tags) : tags_(std::move(tags)) {}

  /// One sequence. Throws where the numbers of tags differ.
  void add(const std::vector<std::string>& truth, const std::vector<std::string>& predicted);
  /// All sequences of a batch; steps whose label is below 0 are left out.
  template <class T> void add(const MetricBatch<T>& batch) {
    detail::require_labels("SpanScores", batch.numbers != nullptr);
    require(batch.packing != nullptr, "SpanScores: needs an output for each step");
    add_steps(*batch.packing, batch.labels, batch.decided);
  }

  Counts all() const;
  const std::map<std::string, Counts>& kinds() const { return kinds_; }
  /// span_precision, span_recall and span_f1 of all, span_f1_<kind>.
  MetricValues values() const;
  /// A line for each kind and one for all.
  std::string str() const;

 private:
  void add_steps(const Packing& packing, std::span<const Index> labels, std::span<const Index> decided);
  const std::string& tag(Index k) const;

  std::vector<std::string> tags_;
  std::map<std::string, Counts> kinds_;
};

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/metric/spans.ipp>
#endif
