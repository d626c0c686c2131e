// A softmax over classes, few or a whole vocabulary.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <unroll/core/denormals.hpp>
#include <unroll/head/blockwise_softmax.hpp>
#include <unroll/head/head.hpp>
#include <unroll/head/tied_table.hpp>
#include <unroll/kernel/matmul.hpp>
#include <unroll/layer/embedding.hpp>
#include <unroll/loss/loss.hpp>

namespace unroll::inline UNROLL_ABI {

struct SoftmaxClassifierOptions {
  bool bias = true;
  /// Instead of a weight of its own the head uses the table of the model's embedding, D features and V tokens, whose
  /// gradient gets both parts (Press and Wolf 2017). The model has one such embedding.
  bool tied = false;
  double label_smoothing = 0;
  Index ignore_index = -100;  ///< columns with this label count for nothing
};

/// A head that decides for one of V classes: Dense{D, V} with CrossEntropy, without V x N logits. For every column h
///   x = W h + b,   l = sum_c t_c (log sum_k exp x_k - x_c),   t_c = (1 - s) [c == y] + s / V
/// with label smoothing s; the mean is over the columns that are not ignored. PyTorch's linear and cross_entropy.
///
/// Memory beside the parameters: V x 256 numbers for the loss with its gradient, as much as W has at D = 256 however
/// many columns there are, and 512 x 256 for the loss alone and for `decode`. Threads split products and columns, never
/// sums: the same bits for any number.
template <class T = float> class SoftmaxClassifier : public HeadLayer<SoftmaxClassifier<T>, T> {
 public:
  using State = Nothing;
  using Options = SoftmaxClassifierOptions;

  Parameter<T> weight;  ///< (V, D), empty where it is tied
  Parameter<T> bias;    ///< (V), empty if not wanted
  Options options;

  struct Scratch : detail::BlockwiseSoftmax<T>::Scratch {
    std::vector<Index> labels;  // what was decided
    const Table<T>* table = nullptr;
    Table<T>* d_table = nullptr;
  };

  /// D features, V classes.
  SoftmaxClassifier(Index D, Index V, Options how = {}) : options(how), inputs_(D), classes_(V) {
    detail::require_size("SoftmaxClassifier", D, "features", 1);
    detail::require_size("SoftmaxClassifier", V, "classes", 1);
    weight = Matrix<T>::Zero(how.tied ? 0 : V, D);
    bias = Matrix<T>::Zero(how.bias ? V : 0, 1);
    check_options();
  }

  Index inputs() const { return inputs_; }
  Index classes() const { return classes_; }

  /// z (D, n), n labels 0 .. V - 1 or ignore_index: of steps in packed order, or of sequences. Throws for other labels.
  template <Vectors<T> Z>
  HeadResult loss(const Z& z, Labels labels, Z& dz, SoftmaxClassifier& gradient, Scratch& s,
                  std::span<const double> sample_weights = {}, double whole_weight = 0) const {
    check_gradient_shapes("SoftmaxClassifier", *this, gradient);
    check_columns_of(z, labels);
    shape_like(dz, z, inputs());
    return compute(values(z), labels, &values(dz), &gradient, s, sample_weights, whole_weight);
  }
  template <Vectors<T> Z> HeadResult loss(const Z& z, Labels labels, Scratch& s) const {
    check_columns_of(z, labels);
    return compute(values(z), labels, nullptr, nullptr, s, {}, 0);
  }
  double weight_of(Labels labels) const {
    return static_cast<double>(detail::count_labels(labels, options.ignore_index));
  }

  /// The class with the largest logit, the first of equals, for each column.
  template <Vectors<T> Z> const std::vector<Index>& decode(const Z& z, Scratch& s) const {
    check_columns("SoftmaxClassifier", z);
    decide(values(z), s);
    return s.labels;
  }
  /// The logits, or the probabilities, of all classes for each column, (V, n): V x n numbers.
  template <Vectors<T> Z> Matrix<T> logits(const Z& z, Scratch& s) const {
    check_columns("SoftmaxClassifier", z);
    return all_logits(values(z), s);
  }
  /// Packs the weight for all calls of `logits` and `probabilities` with this scratch from now on, while it stays as it
  /// is: those of a column or a few take less time. As much memory as the weight has; the same bits.
  void pack(Scratch& s) const { check(Matrix<T>(inputs_, 0), s), softmax(false, s).pack(); }
  template <Vectors<T> Z> Matrix<T> probabilities(const Z& z, Scratch& s) const {
    Matrix<T> all = logits(z, s);
    detail::softmax_columns(all);
    return all;
  }

  /// Finds the embedding that a tied one shares.
  template <class M> void share(const M& model, M* gradient, Scratch& s) const {
    if (!options.tied) return;
    s.table = nullptr, s.d_table = nullptr;
    s.table = detail::find_tied_table<const Table<T>>("SoftmaxClassifier", model, inputs_, classes_);
    require(s.table != nullptr, "SoftmaxClassifier: it is tied, and the model has no embedding of ", classes_, " x ",
            inputs_);
    if (gradient != nullptr && s.table->trainable)
      s.d_table = detail::find_tied_table<Table<T>>("SoftmaxClassifier", *gradient, inputs_, classes_);
  }

  void initialize(Rng rng, const Scheme& scheme) {
    const Fan fan{inputs_, classes_, 1 / std::sqrt(static_cast<double>(inputs_))};
    fill(weight, scheme.dense, fan, rng.child(0));
    fill(bias, scheme.bias, fan, rng.child(1));
  }
  std::string describe() const {
    return concat_text("SoftmaxClassifier ", inputs_, " -> ", classes_, options.tied ? ", tied" : "");
  }
  template <class F, class... Self> static void visit(F&& f, const Path& at, Self&... self) {
    f(at.leaf("weight", Kind::weight), self.weight...);
    f(at.leaf("bias", Kind::bias), self.bias...);
  }

 private:
  using Blockwise = detail::BlockwiseSoftmax<T>;

  UNROLL_API HeadResult compute(const Matrix<T>& z, Labels labels, Matrix<T>* dz, SoftmaxClassifier* gradient,
                                Scratch& s, std::span<const double> sample_weights, double whole_weight) const;
  UNROLL_API void decide(const Matrix<T>& z, Scratch& s) const;
  UNROLL_API Matrix<T> all_logits(const Matrix<T>& z, Scratch& s) const;
  UNROLL_API void check_options() const;

  template <class Z> static void check_columns_of(const Z& z, Labels labels) {
    check_columns("SoftmaxClassifier", z);
    if constexpr (is_packed<Z>) detail::check_columns_of_steps(z.packing, z.values.cols(), labels.size());
  }
  void check(const Matrix<T>& z, const Scratch& s) const;
  void check_labels(Index columns, Labels labels, std::span<const double> sample_weights) const;

  Blockwise softmax(bool keep_all, Scratch& s) const {
    return {options.tied ? view(*s.table) : view(weight), options.tied ? Transpose::yes : Transpose::no,
            bias.size() > 0 ? bias.data() : nullptr, keep_all, s};
  }
  Index inputs_, classes_;
};
SoftmaxClassifier(Index, Index) -> SoftmaxClassifier<>;
SoftmaxClassifier(Index, Index, SoftmaxClassifierOptions) -> SoftmaxClassifier<>;

template <class T>
HeadResult SoftmaxClassifier<T>::compute(const Matrix<T>& z, Labels labels, Matrix<T>* dz, SoftmaxClassifier* gradient,
                                         Scratch& s, std::span<const double> sample_weights,
                                         double whole_weight) const {
  check(z, s);
  check_labels(z.cols(), labels, sample_weights);
  const FlushDenormals flush;
  const double total = weight_of(labels), divisor = whole_weight > 0 ? whole_weight : total;
  if (!(total > 0)) {
    if (dz != nullptr) dz->setZero();
    return {};
  }
  const double smooth = options.label_smoothing / static_cast<double>(classes_);
  const Blockwise softmax = this->softmax(dz != nullptr, s);
  softmax.reserve();
  const bool learns_weight = dz != nullptr && (options.tied ? s.d_table != nullptr : weight.trainable);
  if (options.tied && learns_weight)
    for (Index v = 0; v < classes_; ++v) s.d_table->touch(v);  // every token is a class
  HeadResult result{0, total, 0, static_cast<Index>(total)};
  for (Index first = 0; first < z.cols(); first += Blockwise::columns_at_once) {
    const Index columns = (std::min)(Blockwise::columns_at_once, z.cols() - first);
    const View<const T> h = view(z).middle_cols(first, columns);
    for (Index k = 0; k < softmax.blocks(); ++k) {
      const auto block = softmax.block(k);
      const View<T> x = softmax.room(block, columns);
      softmax.logits(block, h, x);
      softmax.find_labels(block, x, labels, first);
      softmax.exponentiate(block, x);
    }
    for (Index n = 0; n < columns; ++n) {
      const Index label = labels[first + n];
      const bool counts = label != options.ignore_index;
      const double sample = detail::at_or_one(sample_weights, first + n);
      const auto sums = softmax.sums_of(n);
      if (counts) {
        const double log_z = sums.largest + std::log(sums.partition);
        result.loss += sample * (log_z - (1 - options.label_smoothing) * softmax.of_label(n) -
                                 (smooth > 0 ? smooth * sums.of_x : 0.0));
        result.correct += softmax.decides_for(label, n, sums) ? 1 : 0;
      }
      softmax.set_scale(n, sums, counts ? sample / divisor : 0, 1 - options.label_smoothing, smooth);
    }
    for (Index k = 0; dz != nullptr && k < softmax.blocks(); ++k) {
      const auto block = softmax.block(k);
      const View<T> d = softmax.room(block, columns);
      softmax.to_gradient(block, d, labels, first);
      softmax.logits_backward(block, d, view(*dz).middle_cols(first, columns));
      if (bias.size() > 0 && bias.trainable)
        detail::add_row_sums_of<T>(d, gradient->bias.data() + block.first, Blocks::ascending);
      if (learns_weight) softmax.weight_backward(block, d, h, options.tied ? view(*s.d_table) : view(gradient->weight));
    }
  }
  result.loss /= total;
  return result;
}

template <class T> void SoftmaxClassifier<T>::decide(const Matrix<T>& z, Scratch& s) const {
  check(z, s);
  softmax(false, s).decide(view(z), s.labels);
}
template <class T> Matrix<T> SoftmaxClassifier<T>::all_logits(const Matrix<T>& z, Scratch& s) const {
  check(z, s);
  return softmax(false, s).all_logits(view(z));
}

template <class T> void SoftmaxClassifier<T>::check_options() const {
  detail::require_share("SoftmaxClassifier", "label_smoothing", options.label_smoothing);
}
template <class T> void SoftmaxClassifier<T>::check(const Matrix<T>& z, const Scratch& s) const {
  detail::require_features("SoftmaxClassifier", z, inputs_);
  check_options();
  if (!options.tied)
    require(weight.rows() == classes_ && weight.cols() == inputs_, "SoftmaxClassifier: the weight is ", weight.rows(),
            " x ", weight.cols(), ", expected ", classes_, " x ", inputs_);
  else
    require(s.table != nullptr && s.table->rows() == inputs_ && s.table->cols() == classes_,
            "SoftmaxClassifier: it is tied, and share(model, ..) has not said to which embedding of ", classes_, " x ",
            inputs_);
  require(bias.size() == 0 || bias.size() == classes_, "SoftmaxClassifier: bias has ", bias.size(),
          " elements, expected ", classes_);
}
template <class T>
void SoftmaxClassifier<T>::check_labels(Index columns, Labels labels, std::span<const double> sample_weights) const {
  detail::check_columns("SoftmaxClassifier", columns, labels.size());
  detail::check_sample_weights("SoftmaxClassifier", columns, sample_weights);
  detail::check_labels("SoftmaxClassifier", labels, classes_, options.ignore_index);
}

#define UNROLL_SOFTMAX_CLASSIFIER_INSTANCES(DECLARE, T)                                                             \
  DECLARE HeadResult SoftmaxClassifier<T>::compute(const Matrix<T>&, Labels, Matrix<T>*, SoftmaxClassifier<T>*,     \
                                                   SoftmaxClassifier<T>::Scratch&, std::span<const double>, double) \
      const;                                                                                                        \
  DECLARE void SoftmaxClassifier<T>::decide(const Matrix<T>&, SoftmaxClassifier<T>::Scratch&) const;                \
  DECLARE Matrix<T> SoftmaxClassifier<T>::all_logits(const Matrix<T>&, SoftmaxClassifier<T>::Scratch&) const;       \
  DECLARE void SoftmaxClassifier<T>::check_options() const;
#if !UNROLL_HEADER_ONLY
UNROLL_SOFTMAX_CLASSIFIER_INSTANCES(extern template, float)
UNROLL_SOFTMAX_CLASSIFIER_INSTANCES(extern template, double)
#endif

}  // namespace unroll::inline UNROLL_ABI
