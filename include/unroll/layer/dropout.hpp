// Elements left out at random, anew at every step, or the same ones at all steps of a sequence.
#pragma once

#include <algorithm>

#include <unroll/core/parallel.hpp>
#include <unroll/layer/layer.hpp>

namespace unroll::inline UNROLL_ABI {

/// What one number of the mask is of: of one element of one step, unless one of the three first members says otherwise.
struct DropoutOptions {
  /// Of all elements of a step (of a Matrix: of a sequence), so that it is left out as a whole: behind an embedding a
  /// word where it stands.
  bool whole_steps = false;
  /// Of an element at all steps of a sequence: variational or locked dropout (Gal and Ghahramani 2016).
  bool locked = false;
  /// Of all elements of a word wherever it stands in a sequence. Only of what an embedding gives.
  bool whole_words = false;
  /// m = 1 / (1 - rate) for what is not left out, so that means stay; false: 1, as in the word dropout of Iyyer et al.
  /// 2015, behind which a text is read that has fewer words.
  bool scaled = true;
};

/// In training y = m * x with m = 0 at rate `rate`, else 1 / (1 - rate), drawn for every element of every step:
/// PyTorch's dropout between recurrent layers, keras Dropout. The identity otherwise. Srivastava et al. 2014.
template <class T = float> class Dropout {
 public:
  using Scalar = T;
  using State = Nothing;
  using Options = DropoutOptions;
  static constexpr bool identity_in_inference = true;
  template <Vectors<T> In> using Output = In;

  double rate;
  Options options;

  template <Vectors<T> In> struct Cache {
    In y, dx;  ///< y without words: columns of a word need no longer be equal
    Matrix<T> mask;
    bool active = false, want_dx = true;
    const In& output() const { return y; }
  };

  explicit Dropout(double of, Options how = {}) : rate(of), options(how) { check_options(); }

  template <Vectors<T> In>
  const In& forward(const Context& context, const In& x, Cache<In>& c, Carry<State> = {}) const {
    check_options();
    c.active = context.training && rate > 0;
    check_columns("Dropout", x);
    if (c.active) check_batch("Dropout", x);
    if (!c.active && !context.gradients) {
      values(c.y).resize(0, 0);  // nothing for a backward pass
      return x;
    }
    shape_like(c.y, x, values(x).rows());
    if (c.active) {
      draw(context, x, c.mask);
      values(c.y) = values(x).cwiseProduct(c.mask);
    } else {
      values(c.y) = values(x);
    }
    return c.y;
  }
  template <Vectors<T> In>
  const In& backward(const In& x, const In& dy, Cache<In>& c, Dropout&, Carry<State> = {}) const {
    detail::require_forward("Dropout", x, c.y);
    detail::require_features("Dropout", values(x), values(c.y).rows());
    detail::require_gradient("Dropout", dy, c.y);
    shape_like(c.dx, x, values(x).rows());
    if (c.active)
      values(c.dx) = values(dy).cwiseProduct(c.mask);
    else
      values(c.dx) = values(dy);
    return c.dx;
  }
  void initialize(Rng, const Scheme&) {}
  std::string describe() const {
    return concat_text("Dropout ", rate,
                       options.whole_steps   ? " of whole steps"
                       : options.locked      ? ", locked"
                       : options.whole_words ? " of whole words"
                                             : "",
                       options.scaled ? "" : ", not scaled");
  }
  template <class F, class... Self> static void visit(F&&, const Path&, Self&...) {}

 private:
  void check_options() const {
    detail::require_fraction("Dropout", "rate", rate);
    const int chosen = options.whole_steps + options.locked + options.whole_words;
    require(chosen <= 1, "Dropout: got ", chosen, " of whole_steps, locked and whole_words, expected one at most");
  }
  /// The number of a column's mask is a function of its sequence and of its time, of no time, or of its word.
  template <class In> void draw(const Context& context, const In& x, Matrix<T>& mask) const {
    check_words(x);
    const DropoutMask of(context, 0, rate);
    mask.resize(values(x).rows(), values(x).cols());
    const bool whole = options.whole_steps || options.whole_words;
    const Index drawn = whole ? (std::min<Index>)(mask.rows(), 1) : mask.rows();
    parallel_ranges(mask.cols(), 64, [&](Index first, Index last) {
      for (Index n = first; n < last; ++n) {
        if constexpr (is_packed<In>)
          of.draw(x.packing.sequence_of(n), place_of(x, n), drawn, mask.col(n).data());
        else
          of.draw(n, 0, drawn, mask.col(n).data());
        if (!options.scaled) mask.col(n).head(drawn) = (mask.col(n).head(drawn).array() > 0).template cast<T>();
        if (whole && drawn > 0) mask.col(n).setConstant(mask(0, n));
      }
    });
  }
  Index place_of(const PackedSequence<T>& x, Index n) const {
    if (options.whole_words) return x.words.ids[static_cast<std::size_t>(n)];
    return options.locked ? 0 : x.packing.time_of(n);
  }
  template <class In> void check_words(const In& x) const {
    if (!options.whole_words) return;
    constexpr const char* expected =
        ", expected those of an Embedding just before it: nobody knows which words these are";
    if constexpr (is_packed<In>)
      require(x.values.cols() == static_cast<Index>(x.words.ids.size()), "Dropout of whole words: got ",
              x.words.ids.size(), " words for ", x.values.cols(), " columns", expected);
    else
      fail("Dropout of whole words: got a vector for each sequence", expected);
  }
};
Dropout(double) -> Dropout<>;
Dropout(double, DropoutOptions) -> Dropout<>;

}  // namespace unroll::inline UNROLL_ABI
