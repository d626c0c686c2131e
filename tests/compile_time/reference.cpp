// What the other programs here are measured against: some seconds of what compilers do for users of Eigen, and nothing
// of ours.
#include <algorithm>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include <Eigen/Dense>

int main() {
  Eigen::MatrixXf a = Eigen::MatrixXf::Random(20, 20);
  const Eigen::VectorXf b = Eigen::VectorXf::Random(20);
  const Eigen::VectorXf x = a.colPivHouseholderQr().solve(b);
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXf> values(a.transpose() * a);
  std::map<std::string, std::vector<float>> by_name;
  for (Eigen::Index k = 0; k < x.size(); ++k) by_name[std::to_string(k % 3)].push_back(x[k] + values.eigenvalues()[k]);
  for (auto& [name, numbers] : by_name) {
    std::ranges::sort(numbers);
    std::cout << name << ' ' << numbers.front() << '\n';
  }
}
