// Which classes a classifier takes for which, and what follows from that.
#pragma once

#include <span>
#include <string>
#include <vector>

#include <unroll/core/error.hpp>
#include <unroll/core/matrix.hpp>

namespace unroll::inline UNROLL_ABI {

/// Counts of (true class, predicted class), added up over as many batches as there are: what is computed from them is
/// exact. A score that would divide by zero is 0, as in scikit-learn.
class UNROLL_API ConfusionMatrix {
 public:
  /// Throws unless there are at least 2 classes, and as many names or none.
  explicit ConfusionMatrix(Index classes, std::vector<std::string> names = {});

  Index classes() const { return static_cast<Index>(names_.size()); }
  /// Throws for a class that is not there.
  void add(Index truth, Index predicted);
  void add(std::span<const Index> truth, std::span<const Index> predicted);
  /// The largest of a model's outputs, (K, n), column by column; of one row, class 1 where it is above 0. Labels below
  /// 0 are left out.
  template <class T> void add_logits(const Matrix<T>& logits, std::span<const Index> truth);
  /// The counts of another one, of the same classes.
  void add(const ConfusionMatrix& other);

  Index count(Index truth, Index predicted) const;
  Index count() const;

  double accuracy() const;
  double precision(Index k) const;  ///< of those taken for k, the share that are k
  double recall(Index k) const;     ///< of those that are k, the share taken for k
  double f1(Index k) const;
  double macro_f1() const;           ///< mean over the classes
  double weighted_f1() const;        ///< weighted by how many there are of each class
  double balanced_accuracy() const;  ///< mean recall of the classes that occur
  double matthews() const;           ///< correlation of truth and prediction, -1 to 1 (Matthews 1975; Gorodkin 2004)

  /// A table: true classes down, predicted ones across, and each class's precision, recall and F1.
  std::string str() const;

 private:
  Index row(Index k) const;
  Index column(Index k) const;
  void check(Index k, const char* what) const;

  std::vector<std::string> names_;
  std::vector<Index> counts_;  // (classes, classes), row by row
};

template <class T> void ConfusionMatrix::add_logits(const Matrix<T>& logits, std::span<const Index> truth) {
  require(logits.cols() == static_cast<Index>(truth.size()) &&
              logits.rows() == (classes() == 2 && logits.rows() == 1 ? 1 : classes()),
          "ConfusionMatrix: outputs are ", logits.rows(), " x ", logits.cols(), " for ", truth.size(), " labels of ",
          classes(), " classes");
  for (Index n = 0; n < logits.cols(); ++n) {
    if (truth[static_cast<std::size_t>(n)] < 0) continue;
    Index predicted = 0;
    if (logits.rows() == 1)
      predicted = logits(0, n) > 0 ? 1 : 0;
    else
      logits.col(n).maxCoeff(&predicted);
    add(truth[static_cast<std::size_t>(n)], predicted);
  }
}

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/metric/confusion_matrix.ipp>
#endif
