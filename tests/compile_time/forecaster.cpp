// A GRU that learns the next value of a sine, as small as such a program is.
#include <cmath>
#include <iostream>

#include <unroll/unroll.hpp>

int main() {
  std::vector<Eigen::MatrixXf> inputs;  // (1, 24) each
  Eigen::MatrixXf targets(1, 200);
  for (Eigen::Index k = 0; k < 200; ++k) {
    const auto now = 0.1F * static_cast<float>(k);
    inputs.push_back(Eigen::RowVectorXf::LinSpaced(24, now, now + 2.4F).array().sin());
    targets(0, k) = std::sin(now + 2.5F);
  }
  unroll::Sequential model{unroll::FinalState{unroll::Recurrent{unroll::Gru{1, 32}}}, unroll::Dense{32, 1}};
  unroll::initialize(model, unroll::Rng{1});
  std::cout << unroll::fit(model, unroll::MeanSquaredError{}, unroll::Adam{.rate = 1e-2},
                           unroll::SequenceDataset(inputs, targets), {.epochs = 5});
}
