// Classification of series of different lengths. The program of docs/series.md.
// region includes
#include <cmath>
#include <cstdio>
#include <numbers>
#include <string>
#include <vector>

#include <unroll/io/model_file.hpp>
#include <unroll/stream/dense.hpp>
#include <unroll/stream/recurrent.hpp>
#include <unroll/stream/stream.hpp>
#include <unroll/unroll.hpp>

using namespace unroll;
// endregion

// region gestures
/// A hand that moves: x and y in 20 to 60 steps, noisy, begun anywhere, at any speed.
Eigen::MatrixXf gesture(const std::string& name, Rng& rng) {
  Eigen::MatrixXf path(2, 20 + static_cast<Index>(rng.below(41)));  // (D, T): a column a step
  const double start = rng.uniform(0, 2 * std::numbers::pi), speed = rng.uniform(0.15, 0.45);
  for (Index t = 0; t < path.cols(); ++t) {
    const double turned = start + speed * static_cast<double>(t), back = std::sin(turned) / std::numbers::sqrt2;
    const double x = name == "wave" ? back : std::cos(turned);
    const double y = name == "wave" ? back : name == "clockwise" ? -std::sin(turned) : std::sin(turned);
    path.col(t) << static_cast<float>(x + 0.6 * rng.normal()), static_cast<float>(y + 0.6 * rng.normal());
  }
  return path;
}

SequenceDataset<float> gestures(Index n, Rng rng) {
  const std::vector<std::string> names{"clockwise", "counterclockwise", "wave"};
  std::vector<Eigen::MatrixXf> paths;
  std::vector<std::string> labels;  // texts: the data set numbers them in the order of the sorted names
  for (Index k = 0; k < n; ++k) {
    labels.push_back(names[rng.below(3)]);
    paths.push_back(gesture(labels.back(), rng));
  }
  return SequenceDataset(paths, labels_from_strings(labels, names));
}
// endregion

// region baseline
/// What can be known without the order of the steps: mean, variance and covariance of x and y.
Eigen::VectorXf summary_of(const Eigen::MatrixXf& path) {
  Eigen::VectorXf of(5);
  const Eigen::Array2f mean = path.rowwise().mean();
  const Eigen::ArrayXXf rest = path.array().colwise() - mean;
  of << mean, rest.square().rowwise().mean(), (rest.row(0) * rest.row(1)).mean();
  return of;
}

/// The class whose mean summary is the nearest.
double accuracy_without_order(const SequenceDataset<float>& training, const SequenceDataset<float>& test) {
  Eigen::MatrixXf centers = Eigen::MatrixXf::Zero(5, 3);
  Eigen::Array3f counts = Eigen::Array3f::Zero();
  for (Index k = 0; k < training.size(); ++k) {
    const Index label = training.targets().labels[static_cast<std::size_t>(k)];
    centers.col(label) += summary_of(training[k]);
    counts[label] += 1;
  }
  centers.array().rowwise() /= counts.transpose();
  Index correct = 0;
  for (Index k = 0; k < test.size(); ++k) {
    Index nearest;
    (centers.colwise() - summary_of(test[k])).colwise().squaredNorm().minCoeff(&nearest);
    correct += nearest == test.targets().labels[static_cast<std::size_t>(k)];
  }
  return static_cast<double>(correct) / static_cast<double>(test.size());
}
// endregion

int main() {
  // region train
  const auto training = gestures(600, Rng(1)), test = gestures(300, Rng(2));
  Sequential model{FinalState{Recurrent{Lstm{2, 16}}}, Dense{16, 3}};
  initialize(model, Rng(1));
  fit(model, CrossEntropy{}, Adam{.rate = 1e-2}, training,
      {.epochs = 8, .batch_size = 32, .seed = 1, .similar_length = true, .clip_norm = 1});
  std::printf("accuracy on 300 unseen gestures %.2f, without the order of the steps %.2f\n",
              evaluate(model, CrossEntropy{}, test).accuracy, accuracy_without_order(training, test));
  // endregion

  // region predict
  Rng rng(3);
  for (const char* truth : {"wave", "clockwise"}) {
    const Prediction<float> p = predict(model, gesture(truth, rng));
    std::printf("%s: %s, probability %.2f\n", truth, test.label_names()[static_cast<std::size_t>(p.label())].c_str(),
                p.confidence());
  }
  // endregion

  // region save
  save("gestures.safetensors", model, {.labels = test.label_names()});
  // endregion

  // region stream
  using Live = stream::Sequential<stream::Recurrent<Lstm<>, 2, 16>, stream::Dense<16, 3>>;
  stream::Stream<Live> live;  // no heap, no locks
  live.assign(model);         // what FinalState wraps, and the head: an answer after every step
  const Eigen::MatrixXf path = gesture("counterclockwise", rng);
  for (Index t = 0; t < path.cols(); ++t) {
    const auto logits = live.step(std::span<const float, 2>(path.col(t).data(), 2));
    const auto best = std::max_element(logits.begin(), logits.end()) - logits.begin();
    if (t == 0 || t == 19 || t + 1 == path.cols())
      std::printf("after %td steps: %s\n", t + 1, test.label_names()[static_cast<std::size_t>(best)].c_str());
  }
  // endregion
}
