// A few lines of a program that is not ours; exits with 0 if they did what they should.
#include <iostream>

#include <unroll/unroll.hpp>

int main() {
  unroll::Dense layer{3, 2};
  layer.weight.setConstant(0.5f);
  layer.bias.setConstant(1);
  unroll::Dense<>::Cache<unroll::Matrix<float>> cache;
  unroll::Matrix<float> x(3, 1);
  x << 1, 2, 3;
  const auto& y = layer.forward({}, x, cache);
  std::cout << "unroll " << UNROLL_VERSION_STRING << ": " << y(0, 0) << " and " << y(1, 0) << '\n';
  return y(0, 0) == 4 && y(1, 0) == 4 && unroll::count_parameters(layer) == 8 ? 0 : 1;
}
