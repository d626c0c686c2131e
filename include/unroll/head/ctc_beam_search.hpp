// The most likely labels of sequences by a model that ends in a Ctc.
#pragma once

#include <functional>
#include <limits>
#include <span>
#include <vector>

#include <unroll/core/packed_sequence.hpp>
#include <unroll/core/parallel.hpp>

namespace unroll::inline UNROLL_ABI {

/// Labels that a sequence may have.
struct CtcLabelling {
  std::vector<Index> labels;
  double log_probability =
      0;             ///< by the model: of all paths that the search followed, the whole sum if it is wide enough
  double score = 0;  ///< with what CtcBeamOptions::score has added
};

struct CtcBeamOptions {
  Index width = 16;  ///< beginnings that are kept after each step; 1 is not best path decoding
  Index best = 1;    ///< answers for a sequence, at most
  Index blank = 0;   ///< as in CtcOptions
  /// What is added to the log probability of `prefix` when `label` follows: a language model, weighted; minus infinity
  /// forbids it. Asked once for each prefix that is kept and each label, by several threads if there are several
  /// sequences.
  std::function<double(std::span<const Index> prefix, Index label)> score = {};
};

namespace detail {
/// log p (K, T) of one sequence's classes.
UNROLL_API std::vector<CtcLabelling> search_labellings(const Matrix<double>& log_p, const CtcBeamOptions& options);
UNROLL_API void check_beam(const CtcBeamOptions& options, Index classes);
UNROLL_API void to_log_probabilities(Matrix<double>& z);
}  // namespace detail

/// The most likely labels for logits z (K, T) of one sequence, as `infer` gives them, best first: prefix beam search. A
/// beginning of the labels has one probability, that of all paths that say it so far; the best of these are kept after
/// each step. Where scores are equal the labels that come first in the order of their numbers are best. Hannun, Maas,
/// Jurafsky and Ng 2014. Time is O(T * width * K).
template <class T> std::vector<CtcLabelling> ctc_beam_search(const Matrix<T>& z, const CtcBeamOptions& options = {}) {
  detail::check_beam(options, z.rows());
  Matrix<double> log_p = z.template cast<double>();
  detail::to_log_probabilities(log_p);
  return detail::search_labellings(log_p, options);
}
/// The same of several sequences, on several threads.
template <class T>
std::vector<std::vector<CtcLabelling>> ctc_beam_search(const std::vector<Matrix<T>>& z,
                                                       const CtcBeamOptions& options = {}) {
  std::vector<std::vector<CtcLabelling>> all(z.size());
  parallel_ranges(static_cast<Index>(z.size()), 1, [&](Index first, Index last) {
    for (auto b = static_cast<std::size_t>(first); b < static_cast<std::size_t>(last); ++b)
      all[b] = ctc_beam_search(z[b], options);
  });
  return all;
}
/// The same of a batch, in the user's order.
template <class T>
std::vector<std::vector<CtcLabelling>> ctc_beam_search(const PackedSequence<T>& z, const CtcBeamOptions& options = {}) {
  check_batch("ctc_beam_search", z);
  std::vector<Matrix<T>> sequences(static_cast<std::size_t>(z.packing.batch()));
  for (Index j = 0; j < z.packing.batch(); ++j) {
    Matrix<T>& of = sequences[static_cast<std::size_t>(z.packing.row(j))];
    of.resize(z.values.rows(), z.packing.length(j));
    for (Index t = 0; t < of.cols(); ++t) of.col(t) = z.values.col(z.packing.offset(t) + j);
  }
  return ctc_beam_search(sequences, options);
}

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/head/ctc_beam_search.ipp>
#endif
