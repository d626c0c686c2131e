// Heads: last layers of models with parameters, which know the loss and decide.
#pragma once

#include <concepts>
#include <span>
#include <tuple>
#include <type_traits>

#include <unroll/core/type_id.hpp>
#include <unroll/layer/parts.hpp>

namespace unroll::inline UNROLL_ABI {

/// What a head finds: the mean loss and what its sum was divided by (see LossResult), and, where it decides for
/// classes, how many of its decisions are right.
struct HeadResult {
  double loss = 0;
  double weight = 0;
  Index correct = 0, count = 0;
};

// A head H is the last layer of a model. As a layer it gives its input z through (HeadLayer does that); what it
// computes with its parameters are the loss and the decisions. To all that a layer has it adds
//   Scratch            what it needs beside its parameters, made by {}: the caller's, made once, used for every batch
//   HeadResult loss(z, targets, scratch) const
//   HeadResult loss(z, targets, dz, gradient, scratch, sample_weights = {}, whole_weight = 0) const
//                      writes the gradient of the loss with respect to z, adds that of its parameters to `gradient`.
//                      Targets are whatever it says: labels, a matrix, a type of its own. Both gradients are those of
//                      the sum of losses divided by `whole_weight`, the weight of the batch that this is a part of; 0:
//                      this is all of it, and the divisor is the result's own weight
//   double weight_of(targets) const
//                      HeadResult::weight beforehand
//   const D& decode(z, scratch) const
//                      the answer, which lives in the scratch: D is std::vector<Index>, a class for each column of z,
//                      or a Matrix or PackedSequence with as many columns as z, or LabelSequences, one for each
//                      sequence
// and may have
//   Index classes() const
//                      if it decides for another number of classes than z has rows
//   void share(model, gradient, scratch) const
//                      called before these: a head that uses parameters of other layers finds them here. `gradient` is
//                      a pointer, null where none is wanted
// z is a Matrix (a column for each sequence) or a PackedSequence (a column for each step): the head sees the packing.

/// Whether L says that it is a head.
template <class L> inline constexpr bool is_head = requires { typename L::Scratch; };

/// What a head is for what arrives at it.
template <class H, class Z>
concept Head = is_head<H> && Layer<H, Z> &&
               requires(const H& head, const Z& z, typename H::Scratch& scratch) { head.decode(z, scratch); };

/// The layer that a head is: `struct MyHead : HeadLayer<MyHead> { .. }`, where MyHead has
/// `Index inputs() const`, the rows of z; describe; and visit and initialize if it has parameters.
template <class Self, class T = float> struct HeadLayer {
  using Scalar = T;
  using State = Nothing;
  template <Vectors<T> In> using Output = In;
  template <Vectors<T> In> struct Cache {
    const In* x = nullptr;
    const In& output() const { return *x; }
  };

  template <Vectors<T> In> const In& forward(const Context&, const In& x, Cache<In>& c, Carry<State> = {}) const {
    check_columns("head", x);
    detail::require_features("head", values(x), static_cast<const Self&>(*this).inputs());
    c.x = &x;
    return x;
  }
  template <Vectors<T> In> const In& backward(const In& x, const In& dy, Cache<In>&, Self&, Carry<State> = {}) const {
    detail::require_gradient("head", dy, x);
    return dy;
  }
  void initialize(Rng, const Scheme&) {}
  template <class F, class... S> static void visit(F&&, const Path&, S&...) {}
};

namespace detail {
/// The last layer of a model, if it is a head; else Nothing.
template <class L> using HeadOrNothing = std::conditional_t<is_head<L>, L, Nothing>;
template <class M> struct LastLayer {
  using type = HeadOrNothing<M>;  // a head alone is a model, too
};
template <HasParts M> struct LastLayer<M> {
  using Parts = PartsOf<M>;
  using type = HeadOrNothing<std::remove_cvref_t<std::tuple_element_t<std::tuple_size_v<Parts> - 1, Parts>>>;
};
}  // namespace detail

/// The type of a model's head: of the last layer of a Sequential, the last of UNROLL_PARTS of a Composite; Nothing
/// where that is none.
template <class M> using HeadOf = typename detail::LastLayer<M>::type;
template <class M> inline constexpr bool has_head = !std::same_as<HeadOf<M>, Nothing>;

/// A model's head.
template <class M> requires has_head<std::remove_const_t<M>>
auto& head_of(M& model) {
  if constexpr (is_head<std::remove_const_t<M>>)
    return model;
  else
    return std::get<std::tuple_size_v<detail::PartsOf<M>> - 1>(model.parts());
}

namespace detail {
template <class M> struct ScratchOf {
  using type = Nothing;
};
template <class M> requires has_head<M>
struct ScratchOf<M> {
  using type = typename HeadOf<M>::Scratch;
};
/// Throws unless what a Composite gave is what its head gave, in its only call.
template <class M, class Cache, class Y> void check_head_is_last(const M& model, Cache& cache, const Y& output) {
  if constexpr (requires { cache.tape; }) {
    const auto& head = head_of(model);
    const auto* const entry = cache.tape.find(&head, TypeId::of<HeadOf<M>>());
    require(entry != nullptr && entry->y == &output && entry->calls == 1,
            "Composite: operator() gives another value than its head (", head.describe(),
            "): end it with `return run(head, z)`");
  }
}
}  // namespace detail

/// What a model's head needs beside its parameters, Nothing without a head.
template <class M> using HeadScratch = typename detail::ScratchOf<M>::type;

}  // namespace unroll::inline UNROLL_ABI
