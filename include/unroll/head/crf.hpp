// A linear-chain conditional random field.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <unroll/head/chains.hpp>
#include <unroll/head/head.hpp>
#include <unroll/head/tag_scheme.hpp>
#include <unroll/kernel/linear_chain.hpp>
#include <unroll/loss/loss.hpp>

namespace unroll::inline UNROLL_ABI {

/// A head for taggers: labels of a sequence are decided together. With scores z_t(y) of label y at step t (a Dense
/// layer before it gives them) a sequence of labels has
///   score(y) = start(y_1) + sum_t z_t(y_t) + sum_t transitions(y_{t-1}, y_t) + end(y_T),   P(y) = exp(score(y)) / Z
/// with Z the sum of exp(score) over all K^T sequences, by the forward algorithm in log space. The loss is -log P of
/// the labels. Lafferty, McCallum and Pereira 2001; the recursions are Rabiner's (1989). Parameters are named as in
/// pytorch-crf.
///
/// The mean is that of all steps (pytorch-crf's `token_mean`): sum of -log P over the number of steps, so that batches
/// that are split up add up, and the size of the gradient does not depend on the lengths. An empty sequence counts for
/// nothing.
///
/// Forbidden transitions have probability 0, are in no decoded sequence and are not trained. They are an option of the
/// program, as dropout is, and not in files: `Crf(K, forbidden_by(TagScheme::bio, names))`.
///
/// Cost of a step: K^2 exponentials, three times in training, and K^2 comparisons.
template <class T = float> class Crf : public HeadLayer<Crf<T>, T> {
 public:
  template <Sequences<T> In> using Output = In;
  using State = Nothing;

  Parameter<T> transitions;        ///< (K, K): transitions(i, j) is the score of j after i
  Parameter<T> start_transitions;  ///< (K)
  Parameter<T> end_transitions;    ///< (K)
  ForbiddenTransitions forbidden;

  struct Scratch : detail::Chains<T> {
    Matrix<T> d_to, d_border;   // of each piece: (stride, K), (2 stride: start, end)
    Matrix<double> loss;        // of each piece
    std::vector<Index> labels;  // what was decided
  };

  /// K labels.
  explicit Crf(Index K, ForbiddenTransitions not_allowed = {}) : forbidden(std::move(not_allowed)) {
    detail::require_size("Crf", K, "labels", 1);
    transitions = Matrix<T>::Zero(K, K);
    start_transitions = Matrix<T>::Zero(K, 1);
    end_transitions = Matrix<T>::Zero(K, 1);
    check_forbidden();
  }

  Index inputs() const { return transitions.rows(); }

  /// z (K, steps), one label for each step, in packed order (`pack_steps`). Throws for a label outside of 0 .. K - 1
  /// and for sequences of labels that are forbidden. Sample weights are those of sequences: equal for all steps of one.
  HeadResult loss(const PackedSequence<T>& z, Labels labels, PackedSequence<T>& dz, Crf& gradient, Scratch& s,
                  std::span<const double> sample_weights = {}, double whole_weight = 0) const {
    check_gradient_shapes("Crf", *this, gradient);
    dz.packing = z.packing;
    dz.values.resize(z.values.rows(), z.values.cols());
    return compute(z, labels, &dz.values, &gradient, s, sample_weights, whole_weight);
  }
  HeadResult loss(const PackedSequence<T>& z, Labels labels, Scratch& s) const {
    return compute(z, labels, nullptr, nullptr, s, {}, 0);
  }
  double weight_of(Labels labels) const { return static_cast<double>(labels.size()); }

  /// The most likely labels of each sequence, by the Viterbi algorithm: one a step, in packed order. Of equal sequences
  /// it takes the one whose last label, then the one before, has the smaller number.
  const std::vector<Index>& decode(const PackedSequence<T>& z, Scratch& s) const {
    check(z);
    prepare(z, s);
    decode_all(z, s);
    return s.labels;
  }
  std::vector<Index> decode(const PackedSequence<T>& z) const {
    Scratch s;
    return decode(z, s);
  }

  /// P(y_t = k | z) for each label and step, (K, steps): how sure a decision is. Forward-backward.
  PackedSequence<T> marginals(const PackedSequence<T>& z) const {
    check(z);
    Scratch s;
    prepare(z, s);
    s.for_each(z, [](Index, Index, const detail::ChainArguments<T>& a) {
      detail::dispatch<detail::ChainForward>(a);
      detail::dispatch<detail::ChainBackward>(a);
    });
    return {s.gamma.topRows(inputs()), z.packing};
  }

  void initialize(Rng rng, const Scheme&) {
    const auto draw = [](Parameter<T>& p, Rng of) {  // as pytorch-crf does
      for (Index k = 0; k < p.size(); ++k) p.data()[k] = static_cast<T>(of.uniform(-0.1, 0.1));
    };
    draw(transitions, rng.child(0)), draw(start_transitions, rng.child(1)), draw(end_transitions, rng.child(2));
  }
  std::string describe() const {
    const std::size_t n = forbidden.pairs.size() + forbidden.starts.size() + forbidden.ends.size();
    return n == 0 ? concat_text("Crf ", inputs()) : concat_text("Crf ", inputs(), ", ", n, " forbidden");
  }
  template <class F, class... Self> static void visit(F&& f, const Path& at, Self&... self) {
    f(at.leaf("start_transitions", Kind::bias), self.start_transitions...);
    f(at.leaf("end_transitions", Kind::bias), self.end_transitions...);
    f(at.leaf("transitions", Kind::weight), self.transitions...);
  }

 private:
  UNROLL_API HeadResult compute(const PackedSequence<T>& z, Labels labels, Matrix<T>* dz, Crf* gradient, Scratch& s,
                                std::span<const double> sample_weights, double whole_weight) const;
  UNROLL_API void prepare(const PackedSequence<T>& z, Scratch& s) const;
  UNROLL_API void decode_all(const PackedSequence<T>& z, Scratch& s) const;
  UNROLL_API void check_forbidden() const;
  UNROLL_API void check(const PackedSequence<T>& z) const;
  void check_labels(const Packing& packing, Labels labels, std::span<const double> sample_weights,
                    const Scratch& s) const;
  void subtract_path(const PackedSequence<T>& z, Labels labels, Index j, T scale, Matrix<T>& dz, Index piece,
                     Scratch& s) const;
};
Crf(Index) -> Crf<>;
Crf(Index, ForbiddenTransitions) -> Crf<>;

template <class T>
HeadResult Crf<T>::compute(const PackedSequence<T>& z, Labels labels, Matrix<T>* dz, Crf* gradient, Scratch& s,
                           std::span<const double> sample_weights, double whole_weight) const {
  check(z);
  prepare(z, s);
  check_labels(z.packing, labels, sample_weights, s);
  if (labels.size() == 0) return {};
  const Index K = inputs(), stride = s.stride(), n = s.pieces(z.packing);
  const double total = weight_of(labels), divisor = whole_weight > 0 ? whole_weight : total;
  const bool learns = gradient != nullptr && any_trainable(*this);
  s.loss.resize(n, 1), s.loss.setZero();
  s.d_to.resize(stride, learns ? K * n : 0), s.d_to.setZero();
  s.d_border.resize(2 * stride, learns ? n : 0), s.d_border.setZero();
  s.for_each(z, [&](Index piece, Index j, detail::ChainArguments<T> a) {
    const double of_sequence = detail::at_or_one(sample_weights, a.column(0));
    const double log_z = detail::dispatch<detail::ChainForward>(a);
    s.loss(piece, 0) += of_sequence * (log_z - s.score(z, labels, j));
    if (dz == nullptr) return;
    a.scale = static_cast<T>(of_sequence / divisor);
    if (learns) a.d_to = s.d_to.col(piece * K).data();
    detail::dispatch<detail::ChainBackward>(a);
    subtract_path(z, labels, j, a.scale, *dz, learns ? piece : -1, s);
  });
  HeadResult result{s.loss.sum() / total, total, 0, labels.size()};
  for (Index piece = 0; learns && piece < n; ++piece) {
    if (transitions.trainable) gradient->transitions += s.d_to.block(0, piece * K, K, K);
    if (start_transitions.trainable) gradient->start_transitions += s.d_border.col(piece).head(K);
    if (end_transitions.trainable) gradient->end_transitions += s.d_border.col(piece).segment(stride, K);
  }
  decode_all(z, s);
  for (Index k = 0; k < labels.size(); ++k)
    result.correct += s.labels[static_cast<std::size_t>(k)] == labels[k] ? 1 : 0;
  return result;
}

/// d(-log P) = expected - observed, of labels and of transitions: what ChainBackward expects is there.
template <class T>
void Crf<T>::subtract_path(const PackedSequence<T>& z, Labels labels, Index j, T scale, Matrix<T>& dz, Index piece,
                           Scratch& s) const {
  const Index K = inputs(), length = z.packing.length(j);
  for (Index t = 0, before = 0; t < length; ++t) {
    const Index n = z.packing.offset(t) + j, label = labels[n];
    dz.col(n) = scale * s.gamma.col(n).head(K);
    dz(label, n) -= scale;
    if (piece >= 0) {
      if (t == 0) s.d_border.col(piece).head(K) += dz.col(n);
      if (t + 1 == length) s.d_border.col(piece).segment(s.stride(), K) += dz.col(n);
      if (t > 0) s.d_to(before, piece * K + label) -= scale;
    }
    before = label;
  }
}

template <class T> void Crf<T>::prepare(const PackedSequence<T>& z, Scratch& s) const {
  s.prepare(transitions, start_transitions, end_transitions, forbidden, z.packing);
}
template <class T> void Crf<T>::decode_all(const PackedSequence<T>& z, Scratch& s) const { s.best_labels(z, s.labels); }

template <class T> void Crf<T>::check_forbidden() const {
  for (const auto& [i, j] : forbidden.pairs) {
    detail::require_index("Crf", "forbidden label", i, inputs());
    detail::require_index("Crf", "forbidden label", j, inputs());
  }
  for (const Index k : forbidden.starts) detail::require_index("Crf", "forbidden label", k, inputs());
  for (const Index k : forbidden.ends) detail::require_index("Crf", "forbidden label", k, inputs());
}
template <class T> void Crf<T>::check(const PackedSequence<T>& z) const {
  check_columns("Crf", z);
  check_batch("Crf", z);
  detail::require_features("Crf", z.values, inputs());
  require(transitions.cols() == inputs() && start_transitions.size() == inputs() && end_transitions.size() == inputs(),
          "Crf: the parameters are not of one number of labels");
  check_forbidden();
}
template <class T>
void Crf<T>::check_labels(const Packing& packing, Labels labels, std::span<const double> sample_weights,
                          const Scratch& s) const {
  detail::check_columns_of_steps(packing, packing.total(), labels.size());
  detail::check_columns("Crf", packing.total(), labels.size());
  detail::check_sample_weights("Crf", packing.total(), sample_weights);
  for (Index j = 0; j < s.sequences(packing); ++j)
    for (Index t = 0, before = 0; t < packing.length(j); ++t) {
      const Index n = packing.offset(t) + j, label = labels[n];
      if (label < 0 || label >= inputs()) [[unlikely]]
        fail("Crf: label ", n, " is ", label, ", expected 0 to ", inputs() - 1);
      if (!s.allows(packing, j, t, before, label)) [[unlikely]]
        fail("Crf: the labels of sequence ", packing.row(j), " are forbidden: label ", label, " at step ", t,
             t == 0 ? concat_text(", the first") : concat_text(" after ", before),
             t + 1 < packing.length(j) ? "" : ", the last");
      require(detail::at_or_one(sample_weights, n) == detail::at_or_one(sample_weights, packing.offset(0) + j),
              "Crf: the steps of sequence ", packing.row(j), " have sample weights that differ");
      before = label;
    }
}

#define UNROLL_CRF_INSTANCES(DECLARE, T)                                                                      \
  DECLARE HeadResult Crf<T>::compute(const PackedSequence<T>&, Labels, Matrix<T>*, Crf<T>*, Crf<T>::Scratch&, \
                                     std::span<const double>, double) const;                                  \
  DECLARE void Crf<T>::prepare(const PackedSequence<T>&, Crf<T>::Scratch&) const;                             \
  DECLARE void Crf<T>::decode_all(const PackedSequence<T>&, Crf<T>::Scratch&) const;                          \
  DECLARE void Crf<T>::check_forbidden() const;                                                               \
  DECLARE void Crf<T>::check(const PackedSequence<T>&) const;
#if !UNROLL_HEADER_ONLY
UNROLL_CRF_INSTANCES(extern template, float)
UNROLL_CRF_INSTANCES(extern template, double)
#endif

}  // namespace unroll::inline UNROLL_ABI
