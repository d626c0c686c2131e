// Names, chunks and other stretches of a sequence, as they are written in tags.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <unroll/core/error.hpp>
#include <unroll/core/matrix.hpp>

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

/// Precision, recall and F1 over spans, which count where bounds and kind are right: conlleval's numbers (Tjong Kim
/// Sang and De Meulder 2003), added up over sequences.
class UNROLL_API SpanScores {
 public:
  struct Counts {
    Index right = 0, predicted = 0, there = 0;
    double precision() const { return predicted == 0 ? 0 : double(right) / double(predicted); }
    double recall() const { return there == 0 ? 0 : double(right) / double(there); }
    double f1() const { return predicted + there == 0 ? 0 : 2.0 * double(right) / double(predicted + there); }
  };

  /// One sequence. Throws where the numbers of tags differ.
  void add(const std::vector<std::string>& truth, const std::vector<std::string>& predicted);

  Counts all() const;
  const std::map<std::string, Counts>& kinds() const { return kinds_; }
  /// A line for each kind and one for all.
  std::string str() const;

 private:
  std::map<std::string, Counts> kinds_;
};

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/metric/spans.ipp>
#endif
