// Connectionist temporal classification: labels for a sequence when nobody says where they are in it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <unroll/core/denormals.hpp>
#include <unroll/core/parallel.hpp>
#include <unroll/head/head.hpp>
#include <unroll/kernel/ctc.hpp>
#include <unroll/kernel/panels.hpp>
#include <unroll/loss/label_sequences.hpp>

namespace unroll::inline UNROLL_ABI {

struct CtcOptions {
  Index blank = 0;  ///< the class that says nothing
  /// A target that no path of so many steps says has a loss of 0 and no gradient, and is counted (Scratch::infeasible).
  /// Else it is an error.
  bool skip_infeasible = false;
};

/// A head for targets that are shorter than the sequence and not aligned with it: speech, handwriting. Of K classes one
/// is the blank. A path names a class for each step, and says the labels that are left when equal neighbors become one
/// and then blanks are taken out: `- 3 3 - 3 7 7` says 3 3 7. With p_t = softmax(z_t)
///   P(labels) = sum over the paths that say them of prod_t p_t(path_t),   loss = -log P(labels)
///   dloss/dz_t(k) = p_t(k) - P(path_t = k | labels)
/// by the forward-backward algorithm in log space. Graves, Fernandez, Gomez and Schmidhuber 2006. It has no parameters.
///
/// The mean is that of all labels: the sum of -log P over the number of labels, where a target without labels counts as
/// one, so that batches that are split up add up. PyTorch's `mean` divides each loss by its own number of labels before
/// it takes the mean over sequences: the same where all targets are equally long. `sum` is loss * weight, `none` is
/// Scratch::losses.
///
/// A target of L labels, R of which are equal to the one before, needs L + R steps; an empty one is said by blanks, and
/// by a sequence without steps, whose loss is 0. Accuracy is the share of sequences whose decoded labels are all right.
///
/// Cost of a step: 2 K exponentials, and 5 (L + 1) with 2 (L + 1) logarithms, and as many again with the gradient.
/// Memory: 2 (L + 1) numbers a step of the at most 16 sequences that are in work. Threads split sequences: the same
/// bits for any number.
template <class T = float> class Ctc : public HeadLayer<Ctc<T>, T> {
 public:
  template <Sequences<T> In> using Output = In;
  using State = Nothing;
  using Options = CtcOptions;

  Options options;

  struct Scratch {
    std::vector<double> losses;  ///< -log P of each sequence of the last batch, without weights
    Index infeasible = 0;        ///< targets of the last batch that were skipped
    LabelSequences labels;       ///< what was decided

    // Steps (N): log of the sum, shift. Of each piece: pairs of states for each step, and room.
    Matrix<T> log_sum, shift, before, room;
    std::vector<Index> best, said, position;
  };

  /// K classes, the blank among them.
  explicit Ctc(Index K, Options how = {}) : options(how), classes_(K) {
    detail::require_size("Ctc", K, "classes", 1);
    check_options();
  }

  Index inputs() const { return classes_; }

  /// z (K, steps), labels 0 .. K - 1 without the blank for each sequence in the user's order. Throws for other labels,
  /// and for a target that needs more steps than there are unless `skip_infeasible`. Sample weights are one a sequence.
  HeadResult loss(const PackedSequence<T>& z, const LabelSequences& targets, PackedSequence<T>& dz, Ctc&, Scratch& s,
                  std::span<const double> sample_weights = {}, double whole_weight = 0) const {
    dz.packing = z.packing;
    dz.values.resize(z.values.rows(), z.values.cols());
    return compute(z, targets, &dz.values, s, sample_weights, whole_weight);
  }
  HeadResult loss(const PackedSequence<T>& z, const LabelSequences& targets, Scratch& s) const {
    return compute(z, targets, nullptr, s, {}, 0);
  }
  double weight_of(const LabelSequences& targets) const {
    Index sum = 0;
    for (Index b = 0; b < targets.size(); ++b) sum += (std::max)(Index(targets[b].size()), Index(1));
    return static_cast<double>(sum);
  }

  /// The labels of the most likely path of each sequence, in the user's order (best path decoding; of equal classes of
  /// a step the smaller). Those of the most likely labels: `ctc_beam_search`.
  const LabelSequences& decode(const PackedSequence<T>& z, Scratch& s) const {
    check(z);
    decode_all(z, s);
    return s.labels;
  }
  LabelSequences decode(const PackedSequence<T>& z) const {
    Scratch s;
    return decode(z, s);
  }

  std::string describe() const { return concat_text("Ctc ", classes_, ", blank ", options.blank); }

 private:
  static constexpr Index most_pieces = 16;
  using Arguments = detail::CtcArguments<T>;

  UNROLL_API HeadResult compute(const PackedSequence<T>& z, const LabelSequences& targets, Matrix<T>* dz, Scratch& s,
                                std::span<const double> sample_weights, double whole_weight) const;
  UNROLL_API void decode_all(const PackedSequence<T>& z, Scratch& s) const;
  UNROLL_API void check(const PackedSequence<T>& z) const;
  void check_options() const { detail::require_index("Ctc", "blank", options.blank, classes_); }
  Index check_targets(const Packing& packing, const LabelSequences& targets, std::span<const double> weights) const;
  static Index steps_needed(std::span<const Index> target);
  static Index width_of(std::span<const Index> target) { return detail::round_up(Index(target.size()) + 1, 16); }

  Index classes_;
};
Ctc(Index) -> Ctc<>;
Ctc(Index, CtcOptions) -> Ctc<>;

template <class T>
HeadResult Ctc<T>::compute(const PackedSequence<T>& z, const LabelSequences& targets, Matrix<T>* dz, Scratch& s,
                           std::span<const double> sample_weights, double whole_weight) const {
  check(z);
  const Packing& packing = z.packing;
  s.infeasible = check_targets(packing, targets, sample_weights);
  const double total = weight_of(targets), divisor = whole_weight > 0 ? whole_weight : total;
  s.losses.assign(static_cast<std::size_t>(packing.batch()), 0.0);
  s.log_sum.resize(packing.total(), 1), s.shift.resize(packing.total(), 1);
  Index widest = 0, most_states = 0, cost = 0;
  for (Index j = 0; j < packing.batch(); ++j) {
    const Index width = width_of(targets[packing.row(j)]);
    widest = (std::max)(widest, width);
    most_states = (std::max)(most_states, packing.length(j) * 2 * (width + 2));
    cost += packing.length(j) * (width + classes_ / 4);
  }
  const Index pieces = (std::min)(most_pieces, packing.batch());
  s.before.resize(most_states, pieces);
  s.room.resize(Arguments::arrays_of_room * (widest + 2), pieces);
  const auto run = [&](Index first, Index last) {
    const FlushDenormals flush;
    for (Index piece = first; piece < last; ++piece)
      for (Index j = piece; j < packing.batch(); j += pieces) {  // the lengths of a piece's sequences are spread
        const Index row = packing.row(j), steps = packing.length(j);
        const auto target = targets[row];
        if (steps < steps_needed(target)) {
          for (Index t = 0; dz != nullptr && t < steps; ++t) dz->col(packing.offset(t) + j).setZero();
          continue;
        }
        if (steps == 0) continue;
        Arguments a{.labels = static_cast<Index>(target.size()),
                    .width = width_of(target),
                    .steps = steps,
                    .first_column = packing.offsets.data(),
                    .sequence = j,
                    .classes = classes_,
                    .blank = options.blank,
                    .z = z.values.data(),
                    .target = target.data(),
                    .log_sum = s.log_sum.data(),
                    .shift = s.shift.data(),
                    .before = s.before.col(piece).data(),
                    .room = s.room.col(piece).data()};
        s.losses[static_cast<std::size_t>(row)] = -detail::dispatch<detail::CtcForward>(a);
        if (dz == nullptr) continue;
        a.d = dz->data();
        a.scale = static_cast<T>(detail::at_or_one(sample_weights, row) / divisor);
        detail::dispatch<detail::CtcBackward>(a);
      }
  };
  const Index cost_of_piece = (std::max<Index>)(1, cost / (std::max<Index>)(1, pieces));
  parallel_ranges(pieces, (std::max<Index>)(1, 5'000 / cost_of_piece), run);
  HeadResult result{0, total, 0, targets.size()};
  for (Index row = 0; row < targets.size(); ++row)
    result.loss += detail::at_or_one(sample_weights, row) * s.losses[static_cast<std::size_t>(row)];
  if (total > 0) result.loss /= total;
  decode_all(z, s);
  for (Index row = 0; row < targets.size(); ++row)
    result.correct += std::ranges::equal(s.labels[row], targets[row]) ? 1 : 0;
  return result;
}

template <class T> void Ctc<T>::decode_all(const PackedSequence<T>& z, Scratch& s) const {
  const Packing& packing = z.packing;
  s.best.resize(static_cast<std::size_t>(packing.total()));
  parallel_ranges(packing.total(), (std::max<Index>)(1, 50'000 / classes_), [&](Index first, Index last) {
    for (Index n = first; n < last; ++n) {
      const T* const x = z.values.data() + n * classes_;
      s.best[static_cast<std::size_t>(n)] = std::max_element(x, x + classes_) - x;
    }
  });
  detail::sorted_positions(packing, s.position);
  s.labels.clear();
  for (const Index j : s.position) {
    s.said.clear();
    for (Index t = 0, before = options.blank; t < packing.length(j); ++t) {
      const Index k = s.best[static_cast<std::size_t>(packing.offset(t) + j)];
      if (k != before && k != options.blank) s.said.push_back(k);
      before = k;
    }
    s.labels.append(s.said);
  }
}

template <class T> void Ctc<T>::check(const PackedSequence<T>& z) const {
  check_columns("Ctc", z);
  check_batch("Ctc", z);
  detail::require_features("Ctc", z.values, classes_);
  check_options();
}
/// Gives how many targets are infeasible.
template <class T>
Index Ctc<T>::check_targets(const Packing& packing, const LabelSequences& targets,
                            std::span<const double> weights) const {
  require(targets.size() == packing.batch(), "Ctc: ", targets.size(), " targets for ", packing.batch(), " sequences");
  require(weights.empty() || static_cast<Index>(weights.size()) == packing.batch(), "Ctc: ", weights.size(),
          " sample weights for ", packing.batch(), " sequences, expected one each");
  detail::check_weights("Ctc", "sample weight", weights);
  Index infeasible = 0;
  for (Index j = 0; j < packing.batch(); ++j) {
    const auto target = targets[packing.row(j)];
    for (std::size_t i = 0; i < target.size(); ++i)
      if (target[i] < 0 || target[i] >= classes_ || target[i] == options.blank) [[unlikely]]
        fail("Ctc: label ", i, " of target ", packing.row(j), " is ", target[i],
             target[i] == options.blank ? ", the blank, expected 0 to " : ", expected 0 to ", classes_ - 1,
             " without the blank, ", options.blank);
    const Index needed = steps_needed(target);
    if (packing.length(j) >= needed) continue;
    require(options.skip_infeasible, "Ctc: target ", packing.row(j), " needs ", needed, " steps, one for each of ",
            target.size(), " labels and one between equal neighbors; its sequence has ", packing.length(j),
            " (skip_infeasible leaves it out)");
    ++infeasible;
  }
  return infeasible;
}
template <class T> Index Ctc<T>::steps_needed(std::span<const Index> target) {
  auto steps = static_cast<Index>(target.size());
  for (std::size_t i = 1; i < target.size(); ++i) steps += target[i] == target[i - 1] ? 1 : 0;
  return steps;
}

#define UNROLL_CTC_INSTANCES(DECLARE, T)                                                                            \
  DECLARE HeadResult Ctc<T>::compute(const PackedSequence<T>&, const LabelSequences&, Matrix<T>*, Ctc<T>::Scratch&, \
                                     std::span<const double>, double) const;                                        \
  DECLARE void Ctc<T>::decode_all(const PackedSequence<T>&, Ctc<T>::Scratch&) const;                                \
  DECLARE void Ctc<T>::check(const PackedSequence<T>&) const;
#if !UNROLL_HEADER_ONLY
UNROLL_CTC_INSTANCES(extern template, float)
UNROLL_CTC_INSTANCES(extern template, double)
#endif

}  // namespace unroll::inline UNROLL_ABI
