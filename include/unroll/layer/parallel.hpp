// Layers beside each other.
#pragma once

#include <unroll/layer/composite.hpp>
#include <unroll/layer/functions.hpp>

namespace unroll::inline UNROLL_ABI {

/// The outputs of several layers of one input, one above the other: (sum of their features, n). Their parameters are
/// called `<number of the layer>.<name in the layer>`.
template <class First, class... Ls> struct Parallel : Composite<Parallel<First, Ls...>, typename First::Scalar> {
  static_assert(sizeof...(Ls) > 0, "unroll::Parallel: takes two layers or more.");
  static_assert(detail::assert_layer<First>() && (detail::assert_layer<Ls>() && ...));
  std::tuple<First, Ls...> layers;

  explicit Parallel(First first, Ls... rest) : layers(std::move(first), std::move(rest)...) {}

  auto parts() { return detail::tie_all(layers); }
  auto parts() const { return detail::tie_all(layers); }

  std::string describe() const { return concat_text("Parallel(", detail::describe_parts(*this), ")"); }

  template <class X> requires Accepts<First, X> && (Accepts<Ls, X> && ...)
  auto operator()(Wiring& run, Node<X> x) const {
    return std::apply(
        [&](const First& first, const Ls&... layer) {
          Node<typename First::template Output<X>> y = run(first, x);
          ((y = concat_rows(y, node(run(layer, x)))), ...);
          return y;
        },
        layers);
  }

 private:
  template <class Y> static Node<Y> node(const Node<Y>& y) { return y; }
};

}  // namespace unroll::inline UNROLL_ABI
