// Cells of impossible sizes, and one place for a bias.
#include <limits>

#include <doctest/doctest.h>

#include <unroll/cell/gru.hpp>
#include <unroll/cell/gru_reset_before.hpp>
#include <unroll/cell/lstm.hpp>
#include <unroll/cell/projected_lstm.hpp>
#include <unroll/cell/rnn.hpp>
#include <unroll/layer/recurrent.hpp>

namespace misuse_cell {

using namespace unroll;

constexpr Index impossible[]{-1, std::numeric_limits<Index>::min(), std::numeric_limits<Index>::max(), Index{1} << 61,
                             Index{1} << 31};

#define CHECK_REFUSED(expression, text) \
  CHECK_THROWS_WITH_AS(static_cast<void>(expression), doctest::Contains(text), std::invalid_argument)

template <class Layer> Index biases(const Layer& layer) {
  Index n = 0;
  visit([&](const Path& path, const auto& p) { n += path.kind == Kind::bias ? p.size() : 0; }, layer);
  return n;
}

TEST_CASE_TEMPLATE("a cell of impossible sizes is refused", C, Rnn<float>, ReluRnn<float>, Lstm<float>, Gru<double>,
                   GruResetBefore<float>) {
  CHECK_REFUSED((Recurrent{C{3, 0}}), ": 0 units, expected 1 to 2147483647");
  for (const Index size : impossible) {
    CHECK_REFUSED((Recurrent{C{3, size}}), "units, expected 1 to 2147483647");
    CHECK_REFUSED((Recurrent{C{size, 3}}), "inputs, expected 0 to 2147483647");
  }
  CHECK_REFUSED((Recurrent{C{2147483647, 2147483647}}), "more than memory can hold");
}

TEST_CASE("a cell whose sizes are changed before a layer is made of it is refused") {
  Lstm<> cell{3, 4};
  cell.units = -4;
  CHECK_REFUSED(Recurrent{cell}, "Lstm: -4 units");
  cell.units = 4, cell.inputs = Index{1} << 40;
  CHECK_REFUSED(Recurrent{cell}, "Lstm: 1099511627776 inputs");
}

TEST_CASE("a projected LSTM of impossible sizes is refused") {
  for (const Index size : impossible) {
    CHECK_REFUSED((ProjectedLstm{size, 5, 2}), "inputs, expected 0");
    CHECK_REFUSED((ProjectedLstm{3, size, 2}), "units, expected 1");
    CHECK_REFUSED((ProjectedLstm{3, 5, size}), "outputs, expected 1");
  }
}

TEST_CASE("the layer's option says how many biases there are, whatever the cell") {
  const auto count = [](const auto& cell, std::optional<Bias> bias) { return biases(Recurrent{cell, {.bias = bias}}); };
  const auto check = [&](const auto& cell, Index rows) {
    CHECK(count(cell, Bias::none) == 0);
    CHECK(count(cell, Bias::single) == rows);
    CHECK(count(cell, Bias::dual) == 2 * rows);
  };
  check(Rnn{3, 5}, 5);
  check(Lstm{3, 5}, 20);
  check(Gru{3, 5}, 15);
  check(GruResetBefore{3, 5}, 15);
  check(ProjectedLstm{3, 5, 2}, 20);
  CHECK(count(Lstm{3, 5}, {}) == 40);
  CHECK(count(ProjectedLstm{3, 5, 2}, {}) == 40);
  CHECK(count(GruResetBefore{3, 5}, {}) == 15);  // as in Keras
  CHECK(Recurrent{Lstm{3, 5}}.options.bias == Bias::dual);
  CHECK(Recurrent{GruResetBefore{3, 5}}.options.bias == Bias::single);
}

/// A cell of the matrix level without a bias of its own.
struct NoBias : Stagewise<GruResetBefore<float>> {
  NoBias(Index D, Index H) : Stagewise(GruResetBefore<float>(D, H)) {}
  static constexpr Bias usual_bias = Bias::single;
  void set_bias(Bias) = delete;
};
TEST_CASE("a cell that has no b_h cannot be given one") {
  CHECK_REFUSED((Recurrent{NoBias{3, 5}, {.bias = Bias::dual}}), "Bias::dual needs a cell with set_bias");
  CHECK(biases(Recurrent{NoBias{3, 5}}) == 15);
}

#undef CHECK_REFUSED
}  // namespace misuse_cell
