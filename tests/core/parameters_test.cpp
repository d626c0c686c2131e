#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <unroll/core/initialize.hpp>
#include <unroll/core/parameters.hpp>

using namespace unroll;

namespace {
template <class T> struct Leafs {
  Parameter<T> w, absent;
  Table<T> table;
  template <class F, class... Self> static void visit(F&& f, const Path& at, Self&... self) {
    f(at.leaf("w", Kind::weight), self.w...);
    f(at.leaf("absent", Kind::bias), self.absent...);
    f(at.leaf("table", Kind::table), self.table...);
  }
};
template <class T> struct Tree {
  Leafs<T> first, second;
  Tree() {
    for (auto* leafs : {&first, &second}) {
      leafs->w = Matrix<T>::Ones(2, 3);
      leafs->table = Matrix<T>::Ones(2, 5);
    }
  }
  template <class F, class... Self> static void visit(F&& f, const Path& at, Self&... self) {
    const Path encoder = at / "encoder", layer = encoder.layer(1);
    Leafs<T>::visit(f, encoder / Index{0}, self.first...);
    Leafs<T>::visit(f, layer.with_suffix("_reverse"), self.second...);
  }
};
// A path points to its parent, so none is made from a path that is gone at the end of the line.
template <class P>
concept Chains = requires(P&& path) { std::forward<P>(path) / "encoder"; } ||
                 requires(P&& path) { std::forward<P>(path) / Index{0}; } ||
                 requires(P&& path) { std::forward<P>(path).layer(1); } ||
                 requires(P&& path) { std::forward<P>(path).with_suffix("_reverse"); } ||
                 requires(P&& path) { std::forward<P>(path).leaf("w", Kind::weight); };
static_assert(Chains<const Path&> && !Chains<Path> && !Chains<const Path>);

std::vector<std::string> paths(const Tree<float>& tree) {
  std::vector<std::string> all;
  visit([&](const Path& path, const auto&) { all.push_back(path.str()); }, tree);
  return all;
}
}  // namespace

TEST_CASE("a parameter is called by the way to it, suffixes behind the leaf; absent ones are not visited") {
  CHECK(paths(Tree<float>()) ==
        std::vector<std::string>{"encoder.0.w", "encoder.0.table", "encoder.w_l1_reverse", "encoder.table_l1_reverse"});
}

TEST_CASE("parameters are counted, zeroed, frozen by pattern and thawed") {
  Tree<float> tree;
  CHECK(count_parameters(tree) == 32);
  freeze(tree, "encoder.0.*");
  CHECK(count_trainable(tree) == 16);
  CHECK_FALSE(tree.first.w.trainable);
  const auto gradient = zeros_like(tree);
  CHECK(gradient.first.w.size() == 0);
  CHECK(gradient.second.w.isZero(0));
  CHECK(tree.second.w.isOnes(0));
  thaw(tree);
  CHECK(count_trainable(tree) == 32);
  CHECK_THROWS_WITH_AS(freeze(tree, "decoder.*"), "freeze: no parameter matches 'decoder.*'", std::invalid_argument);
}

TEST_CASE("zeroing a table's gradient costs its touched columns, and forgets them") {
  Tree<float> gradient = zeros_like(Tree<float>());
  auto& table = gradient.first.table;
  table.touch(3);
  table.touch(1);
  table.touch(3);
  CHECK(table.touched == std::vector<Index>{3, 1});
  table.setOnes();
  set_zero(gradient);
  CHECK(table.col(3).isZero(0));
  CHECK(table.col(0).isOnes(0));  // was never touched, so it was not looked at
  CHECK(table.touched.empty());
  table.touch(3);
  CHECK(table.touched.size() == 1);
}

TEST_CASE("patterns match whole paths, a star any run of characters") {
  CHECK(matches("*.bias*", "1.bias_ih_l0"));
  CHECK(matches("0.*", "0.weight"));
  CHECK(matches("*", ""));
  CHECK_FALSE(matches("0.", "0.weight"));
  CHECK_FALSE(matches("*.bias", "1.bias_ih"));
}

TEST_CASE("parameters are copied between scalar types, and shapes that differ are named") {
  Tree<double> from;
  Tree<float> to;
  from.second.w.setConstant(0.5);
  copy_parameters(from, to);
  CHECK(to.second.w(1, 2) == 0.5f);
  to.first.w.resize(3, 2);
  CHECK_THROWS_WITH_AS(copy_parameters(from, to), "copy_parameters: encoder.0.w is 3 x 2 here and 2 x 3 there",
                       std::invalid_argument);
}

TEST_CASE("initializers have the bounds of their papers") {
  Matrix<double> m(40, 50);
  fill(m, Initializer::glorot_uniform, {50, 40, 1}, Rng(1));
  const double a = std::sqrt(6.0 / 90);
  CHECK(m.maxCoeff() < a);
  CHECK(m.maxCoeff() > 0.98 * a);
  CHECK(std::abs(m.mean()) < 0.02);
  fill(m, Initializer::uniform, {50, 40, 0.1}, Rng(1));
  CHECK(m.cwiseAbs().maxCoeff() <= 0.1);
  fill(m, Initializer::uniform_within(0.3), {50, 40, 0.1}, Rng(1));
  CHECK(m.cwiseAbs().maxCoeff() <= 0.3);
  CHECK(m.cwiseAbs().maxCoeff() > 0.29);
  fill(m, Initializer::glorot_normal, {50, 40, 1}, Rng(1));
  CHECK(m.squaredNorm() / 2000 == doctest::Approx(2.0 / 90).epsilon(0.1));
  fill(m, Initializer::orthogonal, {50, 40, 1}, Rng(1));
  CHECK((m * m.transpose() - Eigen::MatrixXd::Identity(40, 40)).norm() < 1e-12);
  Matrix<double> tall(50, 40);
  fill(tall, Initializer::orthogonal, {50, 40, 1}, Rng(1));
  CHECK((tall.transpose() * tall - Eigen::MatrixXd::Identity(40, 40)).norm() < 1e-12);
  Matrix<double> again(50, 40);
  fill(again, Initializer::orthogonal, {50, 40, 1}, Rng(1));
  CHECK((tall.array() == again.array()).all());
}
