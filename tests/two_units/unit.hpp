// What both translation units do: an LSTM layer forward and backward, with all headers of the library included.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

// In a namespace: the library's own D and H would shadow global ones.
namespace two_units {

constexpr int features = 3, units = 21, batch = 3, steps = 6;
constexpr int lengths[batch] = {4, 6, 1};

/// Distinct, reproducible numbers in -0.5 .. 0.5: element `i` of tensor `k`.
inline double number(int k, std::ptrdiff_t i) {
  const double x = 0.61803398874989 * static_cast<double>(i + 1) + 0.7548776662467 * k;
  return x - static_cast<double>(static_cast<std::ptrdiff_t>(x)) - 0.5;
}

struct Result {
  std::string its_namespace;
  std::vector<double> y;           ///< (H, T, B), zero past the end of a sequence
  std::vector<double> dW, dU, db;  ///< gradients of sum(r * y), column-major
};

}  // namespace two_units
