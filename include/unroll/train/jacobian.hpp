// The Jacobian of a recurrent layer's step: what becomes of a small change of its state.
#pragma once

#include <cstddef>
#include <vector>

#include <unroll/layer/recurrent.hpp>

namespace unroll::inline UNROLL_ABI {

/// ds_t/ds_{t-1} of sorted sequence j at time t of a trace, (R, R), R being the rows of all of a state: h, and c. Not
/// at the sequence's first step, which comes from no other. It is one pass of R sequences of one step, forward and
/// back, as in inference: about R H G H multiplications where the cell has G gates.
template <class C> requires(!detail::LooksBack<typename Recurrent<C>::Cell>)
Matrix<double> step_jacobian(const Recurrent<C>& layer, const RecurrentTrace& trace, Index t, Index j) {
  using L = Recurrent<C>;
  using T = typename L::Scalar;
  require(trace.weight_ih == &layer.weight_ih && trace.is_filled(), "step_jacobian: the trace is of ", trace.who,
          ", expected that of this layer, after a backward pass");
  require(j >= 0 && j < trace.packing.batch() && t >= 0 && t < trace.packing.length(j), "step_jacobian: step ", t,
          " of sequence ", j, ", expected one of the batch");
  const Index before = trace.before(t, j);
  require(before >= 0, "step_jacobian: step ", t, " is the first of sequence ", j, ", expected one with a step before");
  Index rows = 0;
  for (const auto& field : trace.states) rows += field.rows();

  const std::vector<Index> lengths(static_cast<std::size_t>(rows), 1);
  PackedSequence<T> x{Matrix<T>(trace.x.rows(), rows), Packing::from_lengths(lengths, 1)};
  x.values.colwise() = trace.x.col(trace.packing.offset(t) + j).template cast<T>();
  typename L::State from, to, d_to, d_from;
  Index first = 0;
  for (std::size_t s = 0; s < std::size_t(L::S); ++s) {
    const Index n = trace.states[s].rows();
    from.fields[s].resize(n, rows);
    from.fields[s].colwise() = trace.states[s].col(before).template cast<T>();
    d_to.fields[s] = Matrix<T>::Zero(n, rows);
    for (Index k = 0; k < n; ++k) d_to.fields[s](k, first + k) = 1;
    first += n;
  }
  CacheFor<L, PackedSequence<T>> cache;
  L gradient = zeros_like(layer);
  layer.forward({}, x, cache, {&from, &to});
  layer.backward(x, Nothing{}, cache, gradient, {&d_to, &d_from});
  Matrix<double> jacobian(rows, rows);  // column r of d_from is the gradient of value r of s_t: a row
  first = 0;
  for (const auto& field : d_from.fields) {
    jacobian.middleCols(first, field.rows()) = field.transpose().template cast<double>();
    first += field.rows();
  }
  return jacobian;
}

/// The largest absolute value of its eigenvalues, of (n, n); O(n^3), some seconds from n = 1000.
UNROLL_API double spectral_radius(const Matrix<double>& a);
/// Its largest singular value: how much it can make of a vector of length 1. O(n^3).
UNROLL_API double spectral_norm(const Matrix<double>& a);

/// The Jacobians of one sequence of a trace; distances count back from where its pass ended.
struct JacobiansOfSequence {
  std::vector<double> radius;   ///< at k: the spectral radius of the Jacobian k steps before the last; for all but one
  std::vector<double> product;  ///< at k: |ds_T/ds_{T-k}|, the spectral norm of the product of the last k; 1 at 0
};

/// Of sorted sequence j: 0 is the longest. Where the product falls below 1 as k grows gradients vanish, and what was k
/// steps ago is hardly in the state any more; where it grows they explode (Pascanu, Mikolov and Bengio 2013). At most
/// `steps` of them are gone back, each O(R^3).
template <class C> requires(!detail::LooksBack<typename Recurrent<C>::Cell>)
JacobiansOfSequence jacobians(const Recurrent<C>& layer, const RecurrentTrace& trace, Index j = 0,
                              Index steps = 1 << 20) {
  require(j >= 0 && j < trace.packing.batch(), "jacobians: sequence ", j, ", expected one of ", trace.packing.batch());
  JacobiansOfSequence of{{}, {1}};
  Matrix<double> product, next;
  const Index length = trace.packing.length(j);
  for (Index k = 0; k + 1 < length && k < steps; ++k) {
    const Matrix<double> jacobian = step_jacobian(layer, trace, trace.reverse ? k : length - 1 - k, j);
    if (k == 0) {
      product = jacobian;
    } else {
      next = product * jacobian;
      product = next;
    }
    of.radius.push_back(spectral_radius(jacobian));
    of.product.push_back(spectral_norm(product));
  }
  return of;
}

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/train/jacobian.ipp>
#endif
