// A network of a kind, a depth and sizes that the command line says, trained: any_layer lstm 3 64.
#include <cmath>
#include <cstdlib>
#include <iostream>

#include <unroll/layer/any_sequential.hpp>
#include <unroll/loss/mean_squared_error.hpp>
#include <unroll/network/make_layer.hpp>
#include <unroll/train/fit.hpp>

int main(int, char** argv) {
  std::vector<Eigen::MatrixXf> inputs;  // (1, 24) each
  Eigen::MatrixXf targets(1, 200);
  for (Eigen::Index k = 0; k < 200; ++k) {
    const auto now = 0.1F * static_cast<float>(k);
    inputs.push_back(Eigen::RowVectorXf::LinSpaced(24, now, now + 2.4F).array().sin());
    targets(0, k) = std::sin(now + 2.5F);
  }
  const Eigen::Index depth = std::atoi(argv[2]), units = std::atoi(argv[3]);
  unroll::AnySequential<unroll::Matrix<>> model;
  for (Eigen::Index k = 0; k < depth; ++k)
    model.add(unroll::make_layer(argv[1], k == 0 ? 1 : units, units, {.final_state = k + 1 == depth}));
  model.add(unroll::make_layer("dense", units, 1));
  unroll::initialize(model, unroll::Rng{1});
  std::cout << unroll::fit(model, unroll::MeanSquaredError{}, unroll::Adam{.rate = 1e-2},
                           unroll::SequenceDataset(inputs, targets), {.epochs = 5});
}
