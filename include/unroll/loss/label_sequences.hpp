// Sequences of labels that are as long as they like.
#pragma once

#include <concepts>
#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include <unroll/loss/loss.hpp>

namespace unroll::inline UNROLL_ABI {

/// A sequence of labels for each sequence of a batch, of another length than it: targets, and what is decoded. They
/// stand one after the other in memory that is kept.
class LabelSequences {
 public:
  LabelSequences() = default;
  /// Of containers of any integers.
  template <class Sequence>
  requires(std::convertible_to<const Sequence&, Labels> && !std::convertible_to<const Sequence&, std::string_view>)
  LabelSequences(const std::vector<Sequence>& sequences) {  // NOLINT: implicit
    for (const Sequence& sequence : sequences) append(Labels(sequence));
  }

  Index size() const { return static_cast<Index>(ends_.size()); }
  /// Labels of all sequences together.
  Index labels() const { return static_cast<Index>(labels_.size()); }
  std::span<const Index> operator[](Index k) const {
    detail::require_index("LabelSequences", "sequence", k, size());
    const std::size_t first = k > 0 ? ends_[static_cast<std::size_t>(k - 1)] : 0;
    return std::span(labels_).subspan(first, ends_[static_cast<std::size_t>(k)] - first);
  }
  /// One more sequence.
  void append(Labels sequence) {
    for (Index n = 0; n < sequence.size(); ++n) labels_.push_back(sequence[n]);
    ends_.push_back(labels_.size());
  }
  void clear() { labels_.clear(), ends_.clear(); }
  bool operator==(const LabelSequences&) const = default;

 private:
  std::vector<Index> labels_;
  std::vector<std::size_t> ends_;
};

}  // namespace unroll::inline UNROLL_ABI
