// One sequence of a linear chain of labels: sums over all paths, the best path, and how likely each label and each
// transition is. In log space; the exponentials of a step are made for many labels together.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include <unroll/kernel/functions.hpp>
#include <unroll/kernel/level.hpp>

UNROLL_KERNEL_BEGIN
namespace unroll::inline UNROLL_ABI {

namespace detail {

/// Columns of K labels begin `stride` apart, a multiple of 16; scores from label K on are `impossible`.
template <class T> struct ChainArguments {
  /// So low that its exponential is 0 beside anything else, so high that a sum over a long sequence is finite.
  static constexpr T impossible = T(-1e30);

  Index labels, stride, steps;
  const Index* first_column;  ///< of each step; the sequence is column `sequence` behind it
  Index sequence;
  const T* z;     ///< (labels, N) scores of labels, no padding
  const T* from;  ///< (stride, labels): column i has the scores of the transitions from i
  const T* to;    ///< (stride, labels): column j has those to j
  const T *start, *end;
  T* alpha;            ///< (stride, N) log of the sum over the paths that end here, minus that column's part of `shift`
  T* shift;            ///< (N)
  T* room;             ///< (stride)
  T* gamma = nullptr;  ///< (stride, N) probability of each label
  T* d_to = nullptr;   ///< (stride, labels) += scale * expected transitions, as in `to`; may be null
  T scale = 1;

  Index column(Index t) const { return first_column[t] + sequence; }
};

/// alpha_t(j) = z_t(j) + log sum_i exp(alpha_{t-1}(i) + A(i, j)); gives log Z. Each column is moved by its largest, so
/// that rounding does not grow with the length.
struct ChainForward {
  template <class Isa, class T> static UNROLL_INLINE double run(ChainArguments<T> a) {
    using V = typename Isa::template Vector<T>;
    double log_z = 0;
    const T* before = nullptr;
    for (Index t = 0; t < a.steps; ++t) {
      const Index n = a.column(t);
      T* alpha = a.alpha + n * a.stride;
      for (Index j = 0; j < a.stride; j += V::width) {
        const V z = scores<V>(a, n, j);
        (z + (t == 0 ? V::load(a.start + j) : log_sum<V>(a, before, j))).store(alpha + j);
      }
      log_z += double(a.shift[n] = move(a, alpha));
      before = alpha;
    }
    T largest;
    const double sum = exp_of_ends<V>(a, before, a.room, largest);
    return log_z + double(largest) + std::log(sum);
  }
  /// z_t of labels j, j + 1, ..; 0 behind the last.
  template <class V, class T> static UNROLL_INLINE V scores(const ChainArguments<T>& a, Index n, Index j) {
    return j < a.labels ? V::load(a.z + n * a.labels + j, (std::min<Index>)(V::width, a.labels - j)) : V();
  }
  /// to = exp(x - largest) of x = alpha + end at the last step; gives the sum.
  template <class V, class T>
  static UNROLL_INLINE double exp_of_ends(const ChainArguments<T>& a, const T* alpha, T* to, T& largest) {
    for (Index j = 0; j < a.stride; ++j) to[j] = j < a.labels ? alpha[j] + a.end[j] : a.impossible;
    largest = move(a, to);
    for (Index j = 0; j < a.stride; j += V::width) exp(V::load(to + j)).store(to + j);
    double sum = 0;
    for (Index j = 0; j < a.labels; ++j) sum += double(to[j]);
    return sum;
  }
  /// x -= max x.
  template <class T> static UNROLL_INLINE T move(const ChainArguments<T>& a, T* x) {
    T largest = x[0];
    for (Index j = 1; j < a.labels; ++j) largest = x[j] > largest ? x[j] : largest;
    for (Index j = 0; j < a.labels; ++j) x[j] -= largest;
    return largest;
  }
  template <class V, class T> static UNROLL_INLINE V log_sum(const ChainArguments<T>& a, const T* before, Index j) {
    V largest(2 * a.impossible), sum(0);
    for (Index i = 0; i < a.labels; ++i) largest = largest.larger(V(before[i]) + V::load(a.from + i * a.stride + j));
    for (Index i = 0; i < a.labels; ++i) sum += exp(V(before[i]) + V::load(a.from + i * a.stride + j) - largest);
    return largest + log(sum);
  }
};

/// After ChainForward: gamma_t(j) = P(y_t = j) and the expected transitions,
///   P(y_{t-1} = i, y_t = j) = gamma_t(j) exp(alpha_{t-1}(i) + A(i, j) + z_t(j) - alpha_t(j)),
/// whose sum over j is gamma_{t-1}(i): backpropagation through the recursion of alpha, which is Rabiner's beta.
struct ChainBackward {
  template <class Isa, class T> static UNROLL_INLINE void run(ChainArguments<T> a) {
    using V = typename Isa::template Vector<T>;
    last<V>(a);
    for (Index t = a.steps - 1; t > 0; --t) {
      const Index n = a.column(t), n_before = a.column(t - 1);
      const T *gamma = a.gamma + n * a.stride, *alpha = a.alpha + n * a.stride;
      for (Index j = 0; j < a.labels; ++j) a.room[j] = a.z[n * a.labels + j] - alpha[j] - a.shift[n];
      for (Index i = 0; i < a.stride; i += V::width) {
        const V before = V::load(a.alpha + n_before * a.stride + i);
        V sum(0);
        for (Index j = 0; j < a.labels; ++j) {
          if (!(gamma[j] != 0)) continue;  // a label that cannot be here, whose exponential may be infinite
          const V both = V(gamma[j]) * exp(before + V::load(a.to + j * a.stride + i) + V(a.room[j]));
          sum += both;
          if (a.d_to == nullptr) continue;
          T* d = a.d_to + j * a.stride + i;
          fma(V(a.scale), both, V::load(d)).store(d);
        }
        sum.store(a.gamma + n_before * a.stride + i);
      }
    }
  }
  /// softmax(alpha + end)
  template <class V, class T> static UNROLL_INLINE void last(const ChainArguments<T>& a) {
    const T* alpha = a.alpha + a.column(a.steps - 1) * a.stride;
    T* gamma = a.gamma + a.column(a.steps - 1) * a.stride;
    T largest;
    const double sum = ChainForward::exp_of_ends<V>(a, alpha, gamma, largest);
    const V scale(static_cast<T>(1 / sum));
    for (Index j = 0; j < a.stride; j += V::width) (V::load(gamma + j) * scale).store(gamma + j);
  }
};

/// The best path, by Viterbi: alpha becomes delta_t(j) = z_t(j) + max_i (delta_{t-1}(i) + A(i, j)), gamma the i of the
/// maximum, the first of equals; gives the path's last label.
struct ChainBest {
  template <class Isa, class T> static UNROLL_INLINE Index run(ChainArguments<T> a) {
    using V = typename Isa::template Vector<T>;
    const T* before = nullptr;
    for (Index t = 0; t < a.steps; ++t) {
      const Index n = a.column(t);
      T* delta = a.alpha + n * a.stride;
      for (Index j = 0; j < a.stride; j += V::width) {
        const V z = ChainForward::scores<V>(a, n, j);
        V best = V::load(a.start + j), which(0);
        if (t > 0) {
          best = V(before[0]) + V::load(a.from + j);
          for (Index i = 1; i < a.labels; ++i) {
            const V score = V(before[i]) + V::load(a.from + i * a.stride + j);
            which = select(score > best, V(i), which);
            best = select(score > best, score, best);
          }
          which.store(a.gamma + n * a.stride + j);
        }
        (z + best).store(delta + j);
      }
      ChainForward::move(a, delta);
      before = delta;
    }
    Index best = 0;
    for (Index j = 1; j < a.labels; ++j)
      if (before[j] + a.end[j] > before[best] + a.end[best]) best = j;
    return best;
  }
};

}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
UNROLL_KERNEL_END
