// Encoder-decoder models for tests, of any scalar type.
#pragma once

#include <unroll/cell/delay.hpp>
#include <unroll/cell/gru.hpp>
#include <unroll/cell/lstm.hpp>
#include <unroll/head/softmax_classifier.hpp>
#include <unroll/layer/additive_attention.hpp>
#include <unroll/layer/attention.hpp>
#include <unroll/layer/bidirectional.hpp>
#include <unroll/layer/composite_cell.hpp>
#include <unroll/layer/dense.hpp>
#include <unroll/layer/embedding.hpp>
#include <unroll/layer/encoder_decoder.hpp>
#include <unroll/layer/initial_state.hpp>

namespace encoder_decoders {

using namespace unroll;

/// The decoder starts where the encoder ended, and looks back by its outputs' products with the encoder's.
template <class T> struct Plain : EncoderDecoder<Plain<T>, T> {
  Embedding<T> source, target;
  Recurrent<Lstm<T>> encoder, decoder;
  Dense<T> head;
  UNROLL_PARTS(source, target, encoder, decoder, head)

  explicit Plain(Index from = 9, Index to = 8, Index units = 6)
      : source(from, 4), target(to, 5), encoder(Lstm<T>(4, units)), decoder(Lstm<T>(5, units)), head(2 * units, to) {}

  auto encode(Wiring& run, Node<TokenBatch> x) const { return run(encoder, run(source, x)); }
  auto decode(Wiring& run, const auto& read, Node<TokenBatch> y) const {
    const auto h = run(decoder, run(target, y), from(read.state));
    return run(head, concat_rows(h, dot_attention(h, read)));
  }
};

/// A GRU that looks at the source before each step, by its state (Bahdanau et al. 2015).
template <class T> struct Attentive : CompositeCell<Attentive<T>, T> {
  Pointwise<Gru<T>> gru;
  AdditiveAttention<T> attend;
  Dense<T> context;
  UNROLL_PARTS(gru, attend, context)

  Attentive(Index inputs, Index memory, Index units)
      : gru(Gru<T>(inputs, units)), attend(units, memory, units), context(memory, 3 * units, {.bias = false}) {}

  auto operator()(StepWiring<T>& run, StepNode<T> a, StepMemory<T> memory) const {
    return run(gru, a + run(context, run(attend, run.previous(gru), memory)));
  }
};
/// Read from both ends, a bridge of a layer to the decoder's first state, a softmax as its head.
template <class T> struct Bridged : EncoderDecoder<Bridged<T>, T> {
  Embedding<T> source, target;
  Bidirectional<Gru<T>> encoder;
  Dense<T> bridge;
  Tanh<T> tanh;
  Recurrent<Attentive<T>> decoder;
  SoftmaxClassifier<T> head;
  UNROLL_PARTS(source, target, encoder, bridge, tanh, decoder, head)

  explicit Bridged(Index from = 9, Index to = 8, Index units = 6)
      : source(from, 4),
        target(to, 5),
        encoder(Gru<T>(4, units)),
        bridge(2 * units, units),
        decoder(Attentive<T>(5, 2 * units, units)),
        head(units, to) {}

  auto encode(Wiring& run, Node<TokenBatch> x) const {
    const auto read = run(encoder, run(source, x));
    const Node<PackedSequence<T>> h = read;
    return std::tuple{h, initial_state(decoder, run(tanh, run(bridge, final_output(read))))};
  }
  auto decode(Wiring& run, const auto& read, Node<TokenBatch> y) const {
    const auto& [h, start] = read;
    return run(head, run(decoder, run(target, y), h, from(start)));
  }
};

/// What was said at a step is fed to the next one (Luong et al. 2015): the output is tanh of the state and of what was
/// looked at, and comes back beside the next word.
template <class T> struct Feeding : CompositeCell<Feeding<T>, T> {
  Pointwise<Delay<T>> said;
  Pointwise<Lstm<T>> lstm;
  Dense<T> feed;
  AdditiveAttention<T> attend;
  Dense<T> mix;
  Tanh<T> tanh;
  UNROLL_PARTS(said, lstm, feed, attend, mix, tanh)

  Feeding(Index inputs, Index memory, Index units)
      : said(Delay<T>(units)),
        lstm(Lstm<T>(inputs, units)),
        feed(units, 4 * units, {.bias = false}),
        attend(units, memory, units),
        mix(units + memory, units) {}
  Index inputs() const { return lstm.inputs(); }
  Index gate_rows() const { return lstm.gate_rows(); }

  auto operator()(StepWiring<T>& run, StepNode<T> a, StepMemory<T> memory) const {
    const auto h = run(lstm, a + run(feed, run.previous(said)));
    return run(said, run(tanh, run(mix, concat_rows(h, run(attend, h, memory)))));
  }
};
template <class T> struct Fed : EncoderDecoder<Fed<T>, T> {
  Embedding<T> source, target;
  Recurrent<Lstm<T>> encoder;
  Dense<T> bridge;
  Recurrent<Feeding<T>> decoder;
  Dense<T> head;
  UNROLL_PARTS(source, target, encoder, bridge, decoder, head)

  explicit Fed(Index from = 9, Index to = 8, Index units = 6)
      : source(from, 4),
        target(to, 5),
        encoder(Lstm<T>(4, units)),
        bridge(units, 2 * units),
        decoder(Feeding<T>(5, units, units)),
        head(units, to) {}

  struct Encoded {
    Node<PackedSequence<T>> read;
    Node<typename Recurrent<Feeding<T>>::State> start;
    UNROLL_PARTS(read, start)
  };
  auto encode(Wiring& run, Node<TokenBatch> x) const {
    const auto read = run(encoder, run(source, x));
    const auto both = run(bridge, final_output(read));
    const Index units = bridge.weight.rows() / 2;
    return Encoded{read, initial_state(decoder, rows(both, 0, units), rows(both, units, units))};
  }
  auto decode(Wiring& run, const auto& encoded, Node<TokenBatch> y) const {
    return run(head, run(decoder, run(target, y), encoded.read, from(encoded.start)));
  }
};

}  // namespace encoder_decoders
