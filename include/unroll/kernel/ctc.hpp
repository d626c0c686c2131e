// One sequence of connectionist temporal classification: the sum over all paths that say its labels, and how likely
// each of them is at each step. In log space; the states of a step go through the same operations together.
#pragma once

#include <algorithm>
#include <cmath>

#include <unroll/kernel/functions.hpp>
#include <unroll/kernel/lane_sum.hpp>
#include <unroll/kernel/level.hpp>

UNROLL_KERNEL_BEGIN
namespace unroll::inline UNROLL_ABI {

namespace detail {

/// A path is at one of 2 L + 1 states: blank i, before label i or at the end, and label i. What there is one of for
/// each state is a pair of arrays of `width` numbers, a multiple of 16 above L, with one more at either end, so that
/// the neighbors of a vector of states can be loaded.
template <class T> struct CtcArguments {
  /// So low that its exponential is 0 beside anything else, so high that sums of a few are finite.
  static constexpr T impossible = T(-1e30);

  Index labels, width, steps;
  const Index* first_column;  ///< of each step; the sequence is column `sequence` behind it
  Index sequence;
  Index classes, blank;
  const T* z;           ///< (classes, N) logits
  const Index* target;  ///< (labels)
  T* log_sum;           ///< (N) log sum exp z
  T* shift;             ///< (N)
  T* before;            ///< a pair for each step: log of the sum over the paths that come to a state, without its own
                        ///< probability at this step, minus the shifts of the steps before
  T* room;              ///< five arrays
  T* d = nullptr;       ///< (classes, N)
  T scale = 1;

  Index column(Index t) const { return first_column[t] + sequence; }
  Index stride() const { return width + 2; }
  T* blanks_before(Index t) const { return before + 2 * t * stride() + 1; }
  T* labels_before(Index t) const { return blanks_before(t) + stride(); }
  T* skip() const { return room + 1; }  ///< 0 where a label may follow the one before without a blank
  T* blanks() const { return skip() + stride(); }
  T* at_labels() const { return blanks() + stride(); }
  T* blank_share() const { return at_labels() + stride(); }
  T* label_share() const { return blank_share() + stride(); }
  static constexpr Index arrays_of_room = 5;
};

/// alpha_t(s) = log p_t(s) + log sum exp alpha_{t-1} of s, of the state before, and of the label before if another;
/// gives log P(target). Each step is moved by its largest, so that rounding does not grow with the length.
struct CtcForward {
  template <class Isa, class T> static UNROLL_INLINE double run(CtcArguments<T> a) {
    using V = typename Isa::template Vector<T>;
    prepare(a);
    double log_p = 0;
    for (Index t = 0; t < a.steps; ++t) {
      a.log_sum[a.column(t)] = log_sum<V>(a.z + a.column(t) * a.classes, a.classes);
      come<V>(a, t);
      log_p += double(a.shift[a.column(t)] = stay(a, t));
    }
    const double blank = double(a.blanks()[a.labels]), label = double(last_label(a)), most = (std::max)(blank, label);
    return log_p + most + std::log(std::exp(blank - most) + std::exp(label - most));
  }
  template <class T> static UNROLL_INLINE T last_label(const CtcArguments<T>& a) {
    return a.labels > 0 ? a.at_labels()[a.labels - 1] : a.impossible;
  }
  template <class T> static UNROLL_INLINE void prepare(const CtcArguments<T>& a) {
    std::fill_n(a.room, 3 * a.stride(), a.impossible);
    for (Index i = 1; i < a.labels; ++i)
      if (a.target[i] != a.target[i - 1]) a.skip()[i] = 0;
  }
  template <class V, class T> static UNROLL_INLINE T log_sum(const T* z, Index classes) {
    T largest = z[0];
    for (Index k = 1; k < classes; ++k) largest = z[k] > largest ? z[k] : largest;
    return largest + static_cast<T>(std::log(double(LaneSum::of<V, T>(classes, Exponentials<T>{z, largest}))));
  }
  template <class T> struct Exponentials {
    const T* z;
    T largest;
    template <class V> UNROLL_INLINE V operator()(const V& sum, Index i) const {
      return sum + exp(V::load(z + i) - V(largest));
    }
    template <class V> UNROLL_INLINE V operator()(const V& sum, Index i, Index rest) const {
      T e[V::width];
      exp(V::load(z + i, rest) - V(largest)).store(e);
      return sum + V::load(e, rest);
    }
  };

  /// From alpha of the step before to what comes to each state.
  template <class V, class T> static UNROLL_INLINE void come(const CtcArguments<T>& a, Index t) {
    T *const to_blanks = a.blanks_before(t), *const to_labels = a.labels_before(t);
    if (t == 0) {  // a path begins with the first blank or the first label
      std::fill_n(a.before, 2 * a.stride(), a.impossible);
      to_blanks[0] = to_labels[0] = 0;
      return;
    }
    for (Index i = 0; i < a.width; i += V::width) {
      const V blank = V::load(a.blanks() + i), label = V::load(a.at_labels() + i);
      const V label_before = V::load(a.at_labels() + i - 1), skipping = label_before + V::load(a.skip() + i);
      const V most = blank.larger(label_before);
      (most + log(exp(blank - most) + exp(label_before - most))).store(to_blanks + i);
      const V most_of_3 = label.larger(blank).larger(skipping);
      (most_of_3 + log(exp(label - most_of_3) + exp(blank - most_of_3) + exp(skipping - most_of_3)))
          .store(to_labels + i);
    }
    to_blanks[a.width] = to_labels[a.width] = 0;  // which nobody comes from
  }
  /// alpha of step t, from what comes to its states; gives what it was moved by.
  template <class T> static UNROLL_INLINE T stay(const CtcArguments<T>& a, Index t) {
    const Index n = a.column(t);
    const T *const z = a.z + n * a.classes, *const of_blanks = a.blanks_before(t),
                   *const of_labels = a.labels_before(t);
    T *const blanks = a.blanks(), *const labels = a.at_labels();
    const T blank = z[a.blank] - a.log_sum[n];
    T largest = blanks[0] = of_blanks[0] + blank;
    for (Index i = 0; i < a.labels; ++i) {
      blanks[i + 1] = of_blanks[i + 1] + blank;
      labels[i] = of_labels[i] + (z[a.target[i]] - a.log_sum[n]);
      largest = (std::max)(largest, (std::max)(blanks[i + 1], labels[i]));
    }
    for (Index i = 0; i <= a.labels; ++i) blanks[i] -= largest;
    for (Index i = 0; i < a.labels; ++i) labels[i] -= largest;
    return largest;
  }
};

/// After CtcForward: gamma_t(s), the share of the paths that are at s at step t,
///   gamma_{t-1}(r) = sum_s gamma_t(s) exp(alpha_{t-1}(r) - log sum exp alpha_{t-1} of what comes to s),
/// and from it d z_t(k) = scale (softmax(z_t)(k) - sum of gamma_t(s) over the states of k). Backpropagation through the
/// recursion of alpha, which is Graves's beta.
struct CtcBackward {
  template <class Isa, class T> static UNROLL_INLINE void run(CtcArguments<T> a) {
    using V = typename Isa::template Vector<T>;
    end(a);
    for (Index t = a.steps - 1;; --t) {
      differ<V>(a, t);
      if (t == 0) return;
      CtcForward::stay(a, t - 1);  // the bits that it had
      leave<V>(a, t);
    }
  }
  template <class T> static UNROLL_INLINE void end(const CtcArguments<T>& a) {
    std::fill_n(a.blank_share() - 1, 2 * a.stride(), T(0));
    const T blank = a.blanks()[a.labels], label = CtcForward::last_label(a), most = (std::max)(blank, label);
    a.blank_share()[a.labels] = std::exp(blank - most);
    if (a.labels > 0) a.label_share()[a.labels - 1] = std::exp(label - most);
  }
  /// The shares of a step are 1 together; rounding of their recursion is taken out.
  template <class V, class T> static UNROLL_INLINE void differ(const CtcArguments<T>& a, Index t) {
    T *const blanks = a.blank_share(), *const labels = a.label_share();
    double of_blanks = 0, of_labels = 0;
    for (Index i = 0; i <= a.labels; ++i) of_blanks += double(blanks[i]);
    for (Index i = 0; i < a.labels; ++i) of_labels += double(labels[i]);
    const double all = of_blanks + of_labels;
    const T part = static_cast<T>(1 / all);
    for (Index i = 0; i <= a.labels; ++i) blanks[i] *= part;
    for (Index i = 0; i < a.labels; ++i) labels[i] *= part;

    const Index n = a.column(t);
    const T* const z = a.z + n * a.classes;
    T* const d = a.d + n * a.classes;
    for (Index k = 0; k < a.classes; k += V::width) {
      const Index rest = (std::min<Index>)(V::width, a.classes - k);
      (V(a.scale) * exp(V::load(z + k, rest) - V(a.log_sum[n]))).store(d + k, rest);
    }
    d[a.blank] -= a.scale * static_cast<T>(of_blanks / all);
    for (Index i = 0; i < a.labels; ++i) d[a.target[i]] -= a.scale * labels[i];
  }
  /// From the shares of step t to those of the step before, in their place.
  template <class V, class T> static UNROLL_INLINE void leave(const CtcArguments<T>& a, Index t) {
    T *const blanks = a.blank_share(), *const labels = a.label_share();
    const T *const to_blanks = a.blanks_before(t), *const to_labels = a.labels_before(t), *const skip = a.skip();
    for (Index i = 0; i < a.width; i += V::width) {
      const V blank = V::load(a.blanks() + i), label = V::load(a.at_labels() + i);
      const V share = V::load(labels + i), next_blank = V::load(blanks + i + 1), next_label = V::load(labels + i + 1);
      const V stays = V::load(blanks + i) * exp(blank - V::load(to_blanks + i));
      const V by_label = exp(blank - V::load(to_labels + i)), same = exp(label - V::load(to_labels + i));
      const V by_blank = exp(label - V::load(to_blanks + i + 1));
      const V skipping = exp(label + V::load(skip + i + 1) - V::load(to_labels + i + 1));
      fma(share, by_label, stays).store(blanks + i);
      fma(next_label, skipping, fma(next_blank, by_blank, share * same)).store(labels + i);
    }
  }
};

}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
UNROLL_KERNEL_END
