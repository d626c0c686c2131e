// Reading a fixture of tests/data/golden and comparing with it. Its README says what the tensors mean.
#pragma once

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <unroll/core/parameters.hpp>
#include <unroll/file/safetensors.hpp>
#include <unroll/layer/layer.hpp>

/// |got - expected| <= 1e-9 * max(1, largest expected) for every element. Reports the worst one.
template <class A, class B>
void check_close(const std::string& what, const Eigen::DenseBase<A>& got, const Eigen::DenseBase<B>& expected) {
  CAPTURE(what);
  REQUIRE(got.rows() == expected.rows());
  REQUIRE(got.cols() == expected.cols());
  const double largest = expected.size() > 0 ? expected.derived().cwiseAbs().maxCoeff() : 0;
  const double limit = 1e-9 * std::max(1.0, largest);
  double worst = 0;
  for (unroll::Index j = 0; j < got.cols(); ++j)
    for (unroll::Index i = 0; i < got.rows(); ++i) {
      const double error = std::abs(got.derived().coeff(i, j) - expected.derived().coeff(i, j));
      if (!(error <= worst)) worst = error;  // NaN too
    }
  CHECK(worst <= limit);
}
inline void check_close(const std::string& what, double got, double expected) {
  CAPTURE(what);
  CAPTURE(got);
  CHECK(std::abs(got - expected) <= 1e-9 * std::max(1.0, std::abs(expected)));
}

/// One file. It remembers what has been read, so that a test can say that it has left nothing out.
class Golden {
 public:
  explicit Golden(const std::string& name)
      : file_(unroll::read_safetensors(std::filesystem::path(UNROLL_TEST_DATA) / "golden" / (name + ".safetensors"))) {}
  Golden(const Golden&) = delete;
  Golden& operator=(const Golden&) = delete;
  /// Every tensor of the file has been read.
  void check_all_read() const {
    for (const auto& [name, tensor] : file_.tensors) {
      CAPTURE(name);
      CHECK(read_.contains(name));
    }
  }

  bool contains(const std::string& name) const { return file_.contains(name); }
  const std::string& metadata(const std::string& key) const { return file_.metadata_value(key); }
  std::vector<unroll::Index> shape(const std::string& name) const { return read(name).shape; }

  /// A row-major (.., F) array as (F, ..): its vectors are the columns, (B, T, D) gives column b * T + t.
  unroll::Matrix<double> columns(const std::string& name) const {
    const unroll::Tensor& tensor = read(name);
    unroll::Matrix<double> m(tensor.shape.back(), tensor.size() / tensor.shape.back());
    const auto elements = file_.elements<double>(name);
    std::copy(elements.begin(), elements.end(), m.data());
    return m;
  }
  /// Row k of a (rows, B, H) array as (H, B); a (B, H) array has one row.
  unroll::Matrix<double> row(const std::string& name, unroll::Index k) const {
    const auto all = columns(name);
    const auto& dims = read(name).shape;
    const unroll::Index batch = dims[dims.size() - 2];
    return unroll::Matrix<double>(all.middleCols(k * batch, batch));
  }
  double number(const std::string& name) const {
    REQUIRE(read(name).size() == 1);
    return file_.elements<double>(name)[0];
  }
  std::vector<double> numbers(const std::string& name) const {
    read(name);
    return file_.elements<double>(name);
  }
  template <class Integer = unroll::Index> std::vector<Integer> integers(const std::string& name) const {
    read(name);
    return file_.elements<Integer>(name);
  }

  /// Sets every parameter of a model from the tensor `prefix` + its path.
  template <class M> void load(M& model, const std::string& prefix = "") const {
    unroll::visit(
        [&](const unroll::Path& path, auto& p) {
          const auto stored = parameter(prefix + path.str(), unroll::is_table<decltype(p)>);
          CAPTURE(path.str());
          REQUIRE(stored.rows() == p.rows());
          REQUIRE(stored.cols() == p.cols());
          p = stored;
        },
        model);
  }
  /// Compares every parameter of a model (or of its gradient) with the tensor `prefix` + its path.
  template <class M> void check_parameters(const M& model, const std::string& prefix) const {
    unroll::visit(
        [&](const unroll::Path& path, const auto& p) {
          check_close(prefix + path.str(), p, parameter(prefix + path.str(), unroll::is_table<decltype(p)>));
        },
        model);
  }

  /// Field h of the k-th layer and direction is row k of the tensor `prefix` + "h" + `ending`, c likewise.
  template <class State> State state(const std::string& prefix, const std::string& ending) const {
    State result;
    for_each_field(result, [&](const std::string& field, unroll::Index k, auto& value) {
      value = row(prefix + field + ending, k);
    });
    return result;
  }
  template <class State> void check_state(const State& state, const std::string& prefix, const std::string& end) const {
    for_each_field(state, [&](const std::string& field, unroll::Index k, const auto& value) {
      check_close(prefix + field + end + " " + std::to_string(k), value, row(prefix + field + end, k));
    });
  }

 private:
  const unroll::Tensor& read(const std::string& name) const {
    read_.insert(name);
    return file_.tensor(name);
  }
  unroll::Matrix<double> parameter(const std::string& name, bool table) const {
    read(name);
    const auto stored = file_.matrix<double>(name);
    return table ? unroll::Matrix<double>(stored.transpose()) : stored;
  }
  template <class State, class F> static void for_each_field(State& state, const F& f) {
    unroll::Index k = -1;
    unroll::visit_state(
        [&](const unroll::Path& path, auto& value) {
          if (path.name == "h") ++k;
          f(std::string(path.name), k, value);
        },
        state);
  }

  unroll::SafeTensors file_;
  mutable std::set<std::string> read_;
};

/// sum of a .* b over the fields of two states.
template <class State> double dot(const State& a, const State& b) {
  double sum = 0;
  unroll::visit_state([&](const unroll::Path&, const auto& x, const auto& y) { sum += x.cwiseProduct(y).sum(); }, a, b);
  return sum;
}
