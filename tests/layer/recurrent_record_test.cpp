// What a recurrent layer tells of a pass: against finite differences, equations, and a pass that tells nothing.
#include <doctest/doctest.h>

#include <unroll/cell/coupled_gate_lstm.hpp>
#include <unroll/cell/derived.hpp>
#include <unroll/cell/gru.hpp>
#include <unroll/cell/gru_reset_before.hpp>
#include <unroll/cell/ind_rnn.hpp>
#include <unroll/cell/layer_norm_lstm.hpp>
#include <unroll/cell/lstm.hpp>
#include <unroll/cell/min_gru.hpp>
#include <unroll/cell/peephole_lstm.hpp>
#include <unroll/cell/projected_lstm.hpp>
#include <unroll/cell/rnn.hpp>
#include <unroll/layer/bidirectional.hpp>
#include <unroll/layer/final_state.hpp>
#include <unroll/layer/recurrent_record.hpp>
#include <unroll/layer/stack.hpp>
#include <unroll/testing/check_gradient.hpp>

#include "../support/message_of.hpp"
#include "../support/sequences.hpp"

namespace recurrent_record_test {

using namespace unroll;
using X = PackedSequence<double>;

/// Steps [first, last) of sequence b of a batch, as a batch of its own.
X part_of(const X& x, Index b, Index first, Index last) {
  const std::vector<Index> lengths{last - first};
  X part{Matrix<double>(x.values.rows(), last - first),
         Packing::from_lengths(lengths, std::max<Index>(last - first, 1))};
  for (Index n = 0; n < x.packing.total(); ++n)
    if (const Index t = x.packing.time_of(n); x.packing.sequence_of(n) == b && t >= first && t < last)
      part.values.col(t - first) = x.values.col(n);
  return part;
}

template <class C> Recurrent<C> make(const C& cell, RecurrentOptions options = {}) {
  Recurrent layer(cell, options);
  randomize(layer, Rng(3));
  return layer;
}

/// sum dy .* y + sum d_final .* final over steps that start from a state.
template <class L>
double loss_of(const L& layer, const X& x, const X& dy, const typename L::State& from,
               const typename L::State& d_final) {
  CacheFor<L, X> cache;
  typename L::State final;
  const auto& y = layer.forward({}, x, cache, {&from, &final});
  double loss = y.values.cwiseProduct(dy.values).sum();
  for (std::size_t s = 0; s < L::S; ++s) loss += final.fields[s].cwiseProduct(d_final.fields[s]).sum();
  return loss;
}

template <class L> void check_trace(const L& layer, Index outputs) {
  INFO(layer.describe());
  const X x = random_sequences<double>(3, ragged_lengths(), 6);
  const X dy = random_sequences<double>(outputs, ragged_lengths(), 6, 8);
  const Index B = x.packing.batch();
  RecurrentRecord record;
  CacheFor<L, X> cache;
  typename L::State final, d_final;
  L gradient = zeros_like(layer);
  const X y = layer.forward({.recurrent = &record}, x, cache, {nullptr, &final});
  for (std::size_t s = 0; s < L::S; ++s) d_final.fields[s] = random_matrix<double>(final.fields[s].rows(), B, 20 + s);
  layer.backward(x, dy, cache, gradient, {&d_final, nullptr});

  REQUIRE(record.size() == 1);
  const RecurrentTrace& trace = record.of(layer);
  REQUIRE(trace.is_filled());
  CHECK(trace.packing == x.packing);
  CHECK(trace.x == x.values);
  CHECK(trace.states[0] == y.values);
  CHECK(trace.d_output == dy.values);
  for (Index n = 0; n < x.packing.total(); ++n) {
    const Index b = x.packing.sequence_of(n), t = x.packing.time_of(n),
                length = ragged_lengths()[static_cast<std::size_t>(b)];
    // The steps behind this one in the order of the pass, from the state after it.
    const Index first = layer.options.reverse ? 0 : t + 1, last = layer.options.reverse ? t : length;
    const X rest = part_of(x, b, first, last), d_rest = part_of(dy, b, first, last);
    typename L::State state, d_end;
    for (std::size_t s = 0; s < L::S; ++s) {
      state.fields[s] = trace.states[s].col(n);
      d_end.fields[s] = d_final.fields[s].col(b);
    }
    for (std::size_t s = 0; s < L::S; ++s)
      for (Index k = 0; k < state.fields[s].rows(); ++k) {
        auto more = state, less = state;
        more.fields[s](k, 0) += 1e-6, less.fields[s](k, 0) -= 1e-6;
        const double there =
            (loss_of(layer, rest, d_rest, more, d_end) - loss_of(layer, rest, d_rest, less, d_end)) / 2e-6;
        CHECK(trace.d_states[s](k, n) == doctest::Approx(there + (s == 0 ? dy.values(k, n) : 0)).epsilon(1e-6));
      }
  }
}

TEST_CASE("the gradient of each step's state, for every cell and direction") {
  using T = double;
  for (const bool reverse : {false, true}) {
    const RecurrentOptions options{.reverse = reverse};
    check_trace(make(Rnn<T>(3, 4), options), 4);
    check_trace(make(Lstm<T>(3, 4), options), 4);
    check_trace(make(Gru<T>(3, 4), options), 4);
    check_trace(make(GruResetBefore<T>(3, 4), options), 4);
    check_trace(make(CoupledGateLstm<T>(3, 4), options), 4);
    check_trace(make(PeepholeLstm<T>(3, 4), options), 4);
    check_trace(make(ProjectedLstm<T>(3, 4, 2), options), 2);
    check_trace(make(LayerNormLstm<T>(3, 4), options), 4);
    check_trace(make(MinGru<T>(3, 4), options), 4);
    check_trace(make(IndRnn<T>(3, 4), options), 4);
  }
}

TEST_CASE("a trace knows where a step comes from") {
  RecurrentTrace trace;
  trace.packing = random_sequences<double>(1, ragged_lengths(), 6).packing;  // sorted: 6 4 1 0
  CHECK(trace.before(0, 1) == -1);
  CHECK(trace.before(2, 1) == trace.packing.offset(1) + 1);
  trace.reverse = true;
  CHECK(trace.before(3, 1) == -1);
  CHECK(trace.before(2, 1) == trace.packing.offset(3) + 1);
}

/// Keeps what the compiler finds, whatever it says itself.
template <class T> struct Leak : CellSize<T> {
  using CellSize<T>::CellSize;
  static constexpr int GX = 1, GU = 1, S = 1;
  static constexpr std::string_view gate_names = "f", name = "Leak";
  static constexpr void forward(const auto& x, const auto& u, const auto& prev, auto& next) {
    next[0] = sigmoid(x[0] + u[0]) * prev[0];
  }
};
static_assert(detail::gate_names_of<Recurrent<Derived<Leak<double>>>::Cell>().empty());

TEST_CASE("gates are those of the equations") {
  const auto lstm = make(Lstm<double>(3, 4));
  const auto gru = make(Gru<double>(3, 4), {.reverse = true});
  const X x = random_sequences<double>(3, ragged_lengths(), 6);
  const auto check = [&](const auto& layer, std::string_view names, std::string_view sigmoids) {
    RecurrentRecord record;
    CacheFor<std::remove_cvref_t<decltype(layer)>, X> cache;
    auto gradient = zeros_like(layer);
    layer.forward({.recurrent = &record}, x, cache);
    layer.backward(x, x.values.rows() == 4 ? x : random_sequences<double>(4, ragged_lengths(), 6), cache, gradient);
    const RecurrentTrace& trace = record.of(layer);
    CHECK(trace.gate_names == names);
    for (Index t = 0; t < trace.packing.steps(); ++t)
      for (Index j = 0; j < trace.packing.batch_size(t); ++j) {
        const Index n = trace.packing.offset(t) + j, before = trace.before(t, j);
        const Matrix<double> h = before < 0 ? Matrix<double>(Matrix<double>::Zero(4, 1)) : trace.states[0].col(before);
        const Matrix<double> a =
            layer.weight_ih * x.values.col(n) + layer.bias_ih + layer.cell.weight_hh * h + layer.cell.bias_hh;
        for (std::size_t g = 0; g < names.size(); ++g)
          for (Index k = 0; k < 4 && sigmoids.find(names[g]) != sigmoids.npos; ++k) {
            const Index row = 4 * static_cast<Index>(g) + k;
            CHECK(trace.gates(row, n) == doctest::Approx(1 / (1 + std::exp(-a(row, 0)))).epsilon(1e-12));
          }
      }
  };
  check(lstm, "if-o", "ifo");
  check(gru, "rz-", "rz");
}

/// Every number of a pass in float, and what it tells where it is asked to.
template <class L> std::vector<float> numbers_of(const L& layer, RecurrentRecord* record) {
  using In = PackedSequence<float>;
  const In x = random_sequences<float>(3, ragged_lengths(), 6);
  CacheFor<L, In> cache;
  L gradient = zeros_like(layer);
  const auto y = layer.forward({.training = true, .seed = 4, .recurrent = record}, x, cache);
  In dy{random_matrix<float>(y.values.rows(), y.values.cols(), 6), y.packing};
  const auto dx = layer.backward(x, dy, cache, gradient);
  std::vector<float> all(y.values.data(), y.values.data() + y.values.size());
  all.insert(all.end(), dx.values.data(), dx.values.data() + dx.values.size());
  visit([&](const Path&, const auto& p) { all.insert(all.end(), p.data(), p.data() + p.size()); }, gradient);
  return all;
}

TEST_CASE("numbers are the same with a record, and a record is the same when steps are computed twice") {
  using L = Lstm<float>;
  const RecurrentOptions dropout{.input_dropout = 0.2, .recurrent_dropout = 0.3};
  Stack stack{Bidirectional{L{3, 5}, dropout}, Recurrent{Gru<float>{10, 4}, {.reverse = true}}};
  randomize(stack, Rng(1));
  RecurrentRecord record;
  CHECK(numbers_of(stack, nullptr) == numbers_of(stack, &record));
  CHECK(record.size() == 3);
  const auto& both = stack.layer<0>();
  CHECK_FALSE(record.of(both.forward_layer).reverse);
  CHECK(record.of(both.reverse_layer).reverse);
  CHECK(record.of(stack.layer<1>()).x.rows() == 10);

  const auto whole = make(Lstm<float>(3, 5), {.reverse = true});
  auto twice = whole;
  twice.options.recompute_every = 2;
  RecurrentRecord of_whole, of_twice;
  CHECK(numbers_of(whole, &of_whole) == numbers_of(twice, &of_twice));
  for (std::size_t s = 0; s < 2; ++s) {
    CHECK(of_whole.of(whole).states[s] == of_twice.of(twice).states[s]);
    CHECK(of_whole.of(whole).d_states[s] == of_twice.of(twice).d_states[s]);
  }
  CHECK(of_whole.of(whole).gates == of_twice.of(twice).gates);
}

TEST_CASE("a record says that it has no such pass") {
  const auto layer = make(Rnn<double>(3, 4));
  RecurrentRecord record;
  CHECK(message_of([&] { record.of(layer); }) ==
        "RecurrentRecord: the layer was called 0 times with this record, expected more than 0");
  CacheFor<Recurrent<Rnn<double>>, X> cache;
  layer.forward({.recurrent = &record}, random_sequences<double>(3, ragged_lengths(), 6), cache);
  CHECK_FALSE(record.of(layer).is_filled());
  CHECK_THROWS_AS(record.of(layer, 1), std::invalid_argument);
  record.clear();
  CHECK(record.size() == 0);
}

}  // namespace recurrent_record_test
