// What a layer adds to its input.
#pragma once

#include <unroll/layer/composite.hpp>
#include <unroll/layer/functions.hpp>

namespace unroll::inline UNROLL_ABI {

/// y = x + inner(x), for an inner layer that gives as many features as it takes. He et al. 2016; over recurrent layers
/// Wu et al. 2016. The layer's parameters are called `inner.<name>`.
template <class Inner> struct Residual : Composite<Residual<Inner>, typename Inner::Scalar> {
  static_assert(detail::assert_layer<Inner>());
  Inner inner;
  UNROLL_PARTS(inner)

  explicit Residual(Inner of) : inner(std::move(of)) {}

  template <class X> requires Accepts<Inner, X> && std::same_as<typename Inner::template Output<X>, X>
  Node<X> operator()(Wiring& run, Node<X> x) const {
    return x + run(inner, x);
  }
};

}  // namespace unroll::inline UNROLL_ABI
