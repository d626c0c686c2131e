// Snippets of docs/guide.md: batches and layers.
#include <iostream>

#include <unroll/cell/gru.hpp>
#include <unroll/cell/lstm.hpp>
#include <unroll/layer/activation.hpp>
#include <unroll/layer/bidirectional.hpp>
#include <unroll/layer/dense.hpp>
#include <unroll/layer/dropout.hpp>
#include <unroll/layer/embedding.hpp>
#include <unroll/layer/final_state.hpp>
#include <unroll/layer/stack.hpp>
#include <unroll/loss/cross_entropy.hpp>

using namespace unroll;

namespace {
void begin(const char* region) { std::cout << "// endregion\n// region " << region << '\n'; }
}  // namespace

int main() {
  begin("lengths");
  // region lengths
  const std::vector<float> array{1, 2, 9,   // sequence 0: two steps, then padding
                                 3, 4, 5};  // sequence 1: three steps
  const std::vector<Index> lengths{2, 3};
  const PackedSequence<float> x = pack(batch_first(array.data(), /*batch*/ 2, /*steps*/ 3, /*features*/ 1), lengths);
  std::cout << "packed:   " << x.values << "\nunpacked: " << unpack(x) << '\n';
  // endregion

  begin("mask");
  // region mask
  const std::vector<std::uint8_t> mask{1, 0, 1,  // a hole
                                       0, 1, 1};
  const PackedSequence<float> holes = pack(batch_first(array.data(), 2, 3, 1), mask);
  std::cout << "zero:            " << unpack(holes) << '\n'
            << "repeat:          " << unpack(holes, Fill::repeat) << '\n'
            << "repeat, reverse: " << unpack(holes, Fill::repeat, Direction::reverse) << '\n';
  // endregion

  begin("sequences");
  // region sequences
  const std::vector<Eigen::MatrixXf> series{Eigen::MatrixXf::Random(4, 7), Eigen::MatrixXf::Random(4, 2)};
  const PackedSequence<float> of_series = pack(series);  // (4, 9)

  const std::vector<std::int32_t> ids{5, 3, 0, 0,  // 0 is padding
                                      2, 6, 4, 1};
  const TokenBatch tokens = pack(ids, /*batch*/ 2, /*padding*/ 0);
  std::cout << of_series.values.cols() << " and " << tokens.ids.size() << " steps\n";
  // endregion

  begin("models");
  // region models
  // The two plans of "what recurrent networks are": Keras's way ..
  const RecurrentOptions dropouts{
      .input_dropout = 0.2, .recurrent_dropout = 0.2, .per_gate = true, .bias = Bias::single};
  const Sequential lstm{Embedding{20'000, 128},
                        Recurrent{Lstm{128, 128}, dropouts},
                        FinalState{Recurrent{Lstm{128, 64}, dropouts}},
                        Dense{64, 32},
                        Relu{},
                        Dropout{0.3},
                        Dense{32, 1}};
  // .. and PyTorch's.
  const Sequential bilstm{Embedding{20'000, 128, {.padding = 0}},
                          Dropout{0.3},
                          FinalState{Stack{Bidirectional{Lstm{128, 256}}, Dropout{0.3}, Bidirectional{Lstm{512, 256}}}},
                          Dense{512, 64},
                          Relu{},
                          Dropout{0.3},
                          Dense{64, 2}};
  std::cout << count_parameters(lstm) << " and " << count_parameters(bilstm) << " parameters\n";
  // endregion

  begin("stack");
  // region stack
  Stack stack{Recurrent{Gru{4, 8}}, Dropout{0.3}, Recurrent{Gru{8, 6}}};
  initialize(stack, Rng(1));
  CacheFor<decltype(stack), PackedSequence<float>> cache;
  decltype(stack)::State state;
  const PackedSequence<float>& y =
      stack.forward({.training = true, .seed = 1, .step = 0}, of_series, cache, {nullptr, &state});
  const Matrix<float>& lower = std::get<0>(state.layers).fields[0];  // h of the first GRU, (8, B)
  const Matrix<float>& upper = std::get<2>(state.layers).fields[0];  // of the second, (6, B)
  std::cout << "y " << y.values.rows() << " x " << y.values.cols() << ", states " << lower.rows() << " x "
            << lower.cols() << " and " << upper.rows() << " x " << upper.cols() << '\n';
  // endregion

  begin("encoder");
  // region encoder
  const Recurrent encoder{Gru{4, 8}}, decoder{Gru{4, 8}};
  Recurrent d_encoder = zeros_like(encoder), d_decoder = zeros_like(decoder);  // gradients
  CacheFor<decltype(encoder), PackedSequence<float>> read, write;
  decltype(d_encoder)::State context, d_context;

  encoder.forward({.training = true}, of_series, read, {nullptr, &context});
  const PackedSequence<float>& written = decoder.forward({.training = true}, of_series, write, {&context, nullptr});
  const PackedSequence<float> dy = written;  // in place of a loss's gradient

  decoder.backward(of_series, dy, write, d_decoder, {nullptr, &d_context});
  encoder.backward(of_series, Nothing{}, read, d_encoder, {&d_context, nullptr});
  // endregion
  std::cout << d_context.fields[0].rows() << " x " << d_context.fields[0].cols() << '\n';

  begin("loss");
  // region loss
  const PackedSequence<float> logits{Matrix<float>::Zero(5, 9), of_series.packing};  // a tagger's: 5 classes, 9 steps
  const std::vector<Index> padded_tags{0, 1, 2, 3, 4, 0, 1, /**/ 2, -100, 9, 9, 9, 9, 9};  // (B, T); 9 is never read
  const std::vector<Index> tags = pack_steps<Index>(padded_tags, logits.packing);
  PackedSequence<float> d_logits;
  const float loss = cross_entropy(logits, tags, d_logits, {.label_smoothing = 0.1, .ignore_index = -100});
  std::cout << "loss " << loss << " over " << CrossEntropy{}.count(tags) << " steps\n";
  // endregion
}
