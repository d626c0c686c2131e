// Files of one program, compiled for different processors or with other flags, must not mix their copies of our inline
// functions. Their results are compared with plain loops in double, the gradients with differences of these.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <set>
#include <string>

#include "unit.hpp"

using namespace two_units;

Result baseline();
Result native();
Result checked();
Result fast_math();
Result plain();

namespace {
/// Weights as the units set them: tensors 1 to 4, in the order of `visit`.
struct Weights {
  std::vector<double> W, b, U, b_h;
};
std::vector<double> tensor(int k, int size) {
  std::vector<double> numbers(static_cast<std::size_t>(size));
  for (int i = 0; i < size; ++i) numbers[static_cast<std::size_t>(i)] = static_cast<float>(number(k, i));
  return numbers;
}
double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double at(const std::vector<double>& m, int rows, int row, int column) {
  return m[static_cast<std::size_t>(column * rows + row)];
}

std::vector<double> lstm(const Weights& w) {
  std::vector<double> y(units * steps * batch);
  for (int b = 0; b < batch; ++b) {
    std::array<double, units> h{}, c{};
    for (int t = 0; t < lengths[b]; ++t) {
      const auto before = h;
      for (int k = 0; k < units; ++k) {
        double a[4];
        for (int gate = 0; gate < 4; ++gate) {
          const int row = gate * units + k;
          a[gate] = w.b[static_cast<std::size_t>(row)] + w.b_h[static_cast<std::size_t>(row)];
          for (int d = 0; d < features; ++d)
            a[gate] += at(w.W, 4 * units, row, d) * static_cast<float>(number(0, (b * steps + t) * features + d));
          for (int j = 0; j < units; ++j) a[gate] += at(w.U, 4 * units, row, j) * before[static_cast<std::size_t>(j)];
        }
        const auto unit = static_cast<std::size_t>(k);
        c[unit] = sigmoid(a[1]) * c[unit] + sigmoid(a[0]) * std::tanh(a[2]);
        h[unit] = sigmoid(a[3]) * std::tanh(c[unit]);
        y[static_cast<std::size_t>((b * steps + t) * units + k)] = h[unit];
      }
    }
  }
  return y;
}
double loss(const Weights& w) {
  const auto y = lstm(w);
  double sum = 0;
  for (std::size_t i = 0; i < y.size(); ++i)
    sum += y[i] * static_cast<float>(number(9, static_cast<std::ptrdiff_t>(i)));
  return sum;
}

/// A few elements of each gradient: an element of every gate, of the first and the last column.
bool gradient_is_right(const char* name, Weights w, std::vector<double> Weights::* parameter,
                       const std::vector<double>& gradient) {
  const std::size_t size = (w.*parameter).size();
  if (gradient.size() != size) {
    std::printf("%s has %zu elements, expected %zu\n", name, gradient.size(), size);
    return false;
  }
  for (std::size_t i = 5; i < size; i += std::max<std::size_t>(size / 11, 1)) {
    double& value = (w.*parameter)[i];
    const double before = value, step = 1e-5;
    value = before + step;
    const double above = loss(w);
    value = before - step;
    const double expected = (above - loss(w)) / (2 * step);
    value = before;
    if (!(std::abs(gradient[i] - expected) < 1e-4)) {
      std::printf("%s[%zu] is %g, expected %g\n", name, i, gradient[i], expected);
      return false;
    }
  }
  return true;
}
}  // namespace

int main() {
  const Weights w{tensor(1, 4 * units * features), tensor(2, 4 * units), tensor(3, 4 * units * units),
                  tensor(4, 4 * units)};
  const auto y = lstm(w);
  int passed = 0, failed = 0;
  const auto check = [&](const char* what, bool good) {
    ++(good ? passed : failed);
    if (!good) std::printf("%s: wrong\n", what);
  };
  const struct {
    const char* name;
    Result (*run)();
  } units[] = {{"baseline", baseline},   {"native", native}, {"checked", checked},
               {"fast_math", fast_math}, {"plain", plain},   {"baseline, again", baseline}};
  std::set<std::string> namespaces;
  for (const auto& unit : units) {
    const Result result = unit.run();
    namespaces.insert(result.its_namespace);
    double largest = result.y.size() == y.size() ? 0 : 1;
    for (std::size_t i = 0; i < y.size() && largest < 1; ++i) largest = std::max(largest, std::abs(result.y[i] - y[i]));
    std::printf("%s: largest difference of an output %g\n", unit.name, largest);
    check("outputs", largest < 1e-5);
    check("dW", gradient_is_right("dW", w, &Weights::W, result.dW));
    check("dU", gradient_is_right("dU", w, &Weights::U, result.dU));
    check("db", gradient_is_right("db", w, &Weights::b, result.db));
  }
  check("namespaces", namespaces.size() == 5);
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}
