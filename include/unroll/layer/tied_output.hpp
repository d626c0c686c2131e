// An output layer that shares its weights with an embedding.
#pragma once

#include <unroll/core/denormals.hpp>
#include <unroll/kernel/matmul.hpp>
#include <unroll/layer/composite.hpp>
#include <unroll/layer/embedding.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
struct TiedOutputOperation {
  template <class X> using Output = X;
  template <class X> struct Cache {
    X y, dh;
    MatmulScratch<typename std::remove_cvref_t<decltype(values(y))>::Scalar> product;
  };

  template <class T, class X> const X& forward(const Embedding<T>& table, const X& h, Cache<X>& c) const {
    require_features("tied_output", values(h), table.weight.rows());
    const FlushDenormals flush;
    shape_like(c.y, h, table.weight.cols());
    matmul(values(c.y), table.weight, Transpose::yes, values(h), Transpose::no, Accumulate::no, c.product);
    return c.y;
  }
  template <class T, class X>
  const X& backward(const Embedding<T>& table, const X& h, const X& dy, Cache<X>& c, Embedding<T>& gradient) const {
    require_gradient("tied_output", dy, c.y);
    const FlushDenormals flush;
    if (table.weight.trainable) {
      for (Index v = 0; v < table.weight.cols(); ++v) gradient.weight.touch(v);  // every word is a logit
      matmul(gradient.weight, values(h), Transpose::no, values(dy), Transpose::yes, Accumulate::yes, c.product);
    }
    shape_like(c.dh, h, table.weight.rows());
    matmul(values(c.dh), table.weight, Transpose::no, values(dy), Transpose::no, Accumulate::no, c.product);
    return c.dh;
  }
};
}  // namespace detail

/// E^T h: a logit for each word of the embedding's vocabulary, (V, n) for h (D, n). Press and Wolf 2017. The gradients
/// of both uses of E add up. A padding word, which the embedding itself leaves alone, is a word like any other here.
template <class T, class X> Node<X> tied_output(Wiring& run, const Embedding<T>& table, const Node<X>& h) {
  return run.borrow(detail::TiedOutputOperation{}, table, h);
}

}  // namespace unroll::inline UNROLL_ABI
