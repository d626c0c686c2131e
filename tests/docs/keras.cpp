// docs/from_keras.md: arrays of Keras as members of a layer, and go_backwards, each compared with Keras's own loop
// written out over its arrays.
#include <cmath>
#include <iostream>
#include <vector>

#include <unroll/cell/gru.hpp>
#include <unroll/cell/lstm.hpp>
#include <unroll/layer/recurrent.hpp>

using namespace unroll;

namespace {
void begin(const char* region) { std::cout << "// endregion\n// region " << region << '\n'; }

constexpr Index B = 2, T = 5, D = 3, H = 4;
using RowMajor = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;  // as numpy has arrays

std::vector<float> random_values(Index n, Rng rng) {
  std::vector<float> values;
  for (Index k = 0; k < n; ++k) values.push_back(static_cast<float>(rng.uniform(-1, 1)));
  return values;
}
Eigen::RowVectorXf sigmoid_of(const Eigen::RowVectorXf& a) { return 1 / (1 + (-a.array()).exp()); }

/// keras.layers.GRU(H, go_backwards=True, return_sequences=True) with a mask: (B T, H), row b T + s.
RowMajor keras_gru(const RowMajor& x, const std::vector<std::uint8_t>& mask, const RowMajor& kernel,
                   const RowMajor& recurrent, const RowMajor& bias) {
  RowMajor all(B * T, H);
  for (Index b = 0; b < B; ++b) {
    Eigen::RowVectorXf h = Eigen::RowVectorXf::Zero(H), output = h;
    for (Index s = 0; s < T; ++s) {
      const Index t = T - 1 - s;
      if (mask[static_cast<std::size_t>(b * T + t)] != 0) {
        const Eigen::RowVectorXf in = x.row(b * T + t) * kernel + bias.row(0), of_h = h * recurrent + bias.row(1);
        const Eigen::RowVectorXf z = sigmoid_of(in.head(H) + of_h.head(H));
        const Eigen::RowVectorXf r = sigmoid_of(in.segment(H, H) + of_h.segment(H, H));
        const Eigen::RowVectorXf n = (in.tail(H).array() + r.array() * of_h.tail(H).array()).tanh();
        h = z.array() * h.array() + (1 - z.array()) * n.array();
        output = h;
      }
      all.row(b * T + s) = output;
    }
  }
  return all;
}
/// keras.layers.LSTM(H): the last output, (B, H).
RowMajor keras_lstm(const RowMajor& x, const RowMajor& kernel, const RowMajor& recurrent, const RowMajor& bias) {
  RowMajor last(B, H);
  for (Index b = 0; b < B; ++b) {
    Eigen::RowVectorXf h = Eigen::RowVectorXf::Zero(H), c = h;
    for (Index t = 0; t < T; ++t) {
      const Eigen::RowVectorXf a = x.row(b * T + t) * kernel + h * recurrent + bias.row(0);
      const Eigen::RowVectorXf i = sigmoid_of(a.head(H)), f = sigmoid_of(a.segment(H, H)), o = sigmoid_of(a.tail(H));
      c = f.array() * c.array() + i.array() * a.segment(2 * H, H).array().tanh();
      h = o.array() * c.array().tanh();
    }
    last.row(b) = h;
  }
  return last;
}
}  // namespace

int main() {
  const std::vector<float> array = random_values(B * T * D, Rng(1));
  const RowMajor x = Eigen::Map<const RowMajor>(array.data(), B * T, D);

  const std::vector<float> kernel = random_values(D * 4 * H, Rng(2)),
                           recurrent_kernel = random_values(H * 4 * H, Rng(3)), bias = random_values(4 * H, Rng(4));
  // region lstm
  // kernel (D, 4 H), recurrent_kernel (H, 4 H), bias (4 H): the memory of layer.get_weights(), row by row.
  Recurrent lstm{Lstm{D, H}, {.bias = Bias::single}};
  lstm.weight_ih = Eigen::Map<const Eigen::MatrixXf>(kernel.data(), 4 * H, D);
  lstm.cell.weight_hh = Eigen::Map<const Eigen::MatrixXf>(recurrent_kernel.data(), 4 * H, H);
  lstm.bias_ih = Eigen::Map<const Eigen::MatrixXf>(bias.data(), 4 * H, 1);
  // endregion
  const std::vector<std::uint8_t> whole(B * T, 1);
  CacheFor<decltype(lstm), PackedSequence<float>> lstm_cache;
  decltype(lstm)::State last;
  lstm.forward({}, pack(batch_first(array.data(), B, T, D), whole), lstm_cache, {nullptr, &last});
  const RowMajor keras_last = keras_lstm(x, Eigen::Map<const RowMajor>(kernel.data(), D, 4 * H),
                                         Eigen::Map<const RowMajor>(recurrent_kernel.data(), H, 4 * H),
                                         Eigen::Map<const RowMajor>(bias.data(), 1, 4 * H));
  begin("lstm");
  std::cout << "as Keras: " << (last.fields[0].transpose().isApprox(keras_last, 1e-5f) ? "yes" : "no") << '\n';

  const std::vector<float> gru_kernel = random_values(D * 3 * H, Rng(5)),
                           gru_recurrent = random_values(H * 3 * H, Rng(6)),
                           gru_bias = random_values(2 * 3 * H, Rng(7));
  // region gru
  // kernel (D, 3 H), recurrent_kernel (H, 3 H), bias (2, 3 H); gates z r h there, r z n here.
  const auto gates = [](const float* keras, Index columns) {
    Eigen::MatrixXf ours = Eigen::Map<const Eigen::MatrixXf>(keras, 3 * H, columns);
    ours.topRows(H).swap(ours.middleRows(H, H));
    return ours;
  };
  Recurrent gru{Gru{D, H}, {.reverse = true}};  // go_backwards=True
  gru.weight_ih = gates(gru_kernel.data(), D);
  gru.cell.weight_hh = gates(gru_recurrent.data(), H);
  gru.bias_ih = gates(gru_bias.data(), 1);               // row 0: what joins the input's part
  gru.cell.bias_hh = gates(gru_bias.data() + 3 * H, 1);  // row 1: what joins the state's
  // endregion

  // region backwards
  const std::vector<std::uint8_t> mask{1, 0, 1, 1, 0,  // a hole, and padding
                                       0, 1, 1, 1, 1};
  CacheFor<decltype(gru), PackedSequence<float>> cache;
  const PackedSequence<float>& y = gru.forward({}, pack(batch_first(array.data(), B, T, D), mask), cache);
  const Eigen::MatrixXf in_time = unpack(y, Fill::repeat, Direction::reverse);  // (H, B T), column b T + t
  Eigen::MatrixXf as_keras(H, B * T);                                           // column b T + s, s = T - 1 - t
  for (Index b = 0; b < B; ++b) as_keras.middleCols(b * T, T) = in_time.middleCols(b * T, T).rowwise().reverse();
  // endregion
  begin("backwards");
  const RowMajor keras = keras_gru(x, mask, Eigen::Map<const RowMajor>(gru_kernel.data(), D, 3 * H),
                                   Eigen::Map<const RowMajor>(gru_recurrent.data(), H, 3 * H),
                                   Eigen::Map<const RowMajor>(gru_bias.data(), 2, 3 * H));
  std::cout << "as Keras: " << (as_keras.transpose().isApprox(keras, 1e-5f) ? "yes" : "no") << '\n';
}
