// Models of other wirings than a chain, as a user writes them.
#pragma once

#include <vector>

#include <unroll/cell/gru.hpp>
#include <unroll/cell/lstm.hpp>
#include <unroll/layer/attention.hpp>
#include <unroll/layer/bidirectional.hpp>
#include <unroll/layer/composite.hpp>
#include <unroll/layer/dense.hpp>
#include <unroll/layer/dropout.hpp>
#include <unroll/layer/embedding.hpp>
#include <unroll/layer/functions.hpp>
#include <unroll/layer/recurrent.hpp>
#include <unroll/layer/tied_output.hpp>

namespace models {

using namespace unroll;

template <class T> struct Tagger : Composite<Tagger<T>, T> {
  Embedding<T> embed{20, 5};
  Bidirectional<Lstm<T>> read{Lstm<T>{5, 4}};
  Dense<T> head{8, 3};
  UNROLL_PARTS(embed, read, head)
  auto operator()(Wiring& run, Node<TokenBatch> x) const { return run(head, run(read, run(embed, x))); }
};

template <class T> struct Attentive : Composite<Attentive<T>, T> {
  Embedding<T> embed{20, 5};
  Bidirectional<Lstm<T>> read{Lstm<T>{5, 4}, {.input_dropout = 0.2}};
  AttentionPool<T> pool{8, 3};
  Dropout<T> drop{0.1};
  Dense<T> head{16, 2};
  UNROLL_PARTS(embed, read, pool, drop, head)
  auto operator()(Wiring& run, Node<TokenBatch> x) const {
    const auto h = run(read, run(embed, x));
    return run(head, run(drop, concat_rows(run(pool, h), final_output(h))));
  }
};

/// As deep as the command line says.
template <class T> struct Deep : Composite<Deep<T>, T> {
  Dense<T> in{3, 5};
  std::vector<Recurrent<Gru<T>>> layers;
  Dense<T> out{5, 2};
  UNROLL_PARTS(in, layers, out)
  explicit Deep(std::size_t depth) : layers(depth, Recurrent{Gru<T>{5, 5}}) {}
  auto operator()(Wiring& run, Node<PackedSequence<T>> x) const {
    auto h = run(in, x);
    for (const auto& layer : layers) h = h + run(layer, h);
    return run(out, h);
  }
};

/// Source and target sequences: the decoder starts where the encoder ended and looks back at all of it.
template <class T> struct Translator : Composite<Translator<T>, T> {
  Embedding<T> source{20, 5}, target{15, 4};
  Recurrent<Lstm<T>> encoder{Lstm<T>{5, 4}}, decoder{Lstm<T>{4, 4}};
  Dense<T> head{8, 15};
  UNROLL_PARTS(source, target, encoder, decoder, head)
  auto operator()(Wiring& run, Node<TokenBatch> x, Node<TokenBatch> y) const {
    const auto read = run(encoder, run(source, x));
    const auto h = run(decoder, run(target, y), from(read.state));
    return run(head, concat_rows(h, dot_attention<T>(h, read)));
  }
};

/// Two series of one batch, each read by the same layer, and what is known of each sequence besides.
template <class T> struct Pair : Composite<Pair<T>, T> {
  Recurrent<Gru<T>> read{Gru<T>{3, 5}};
  Dense<T> facts{2, 5}, head{5, 1};
  UNROLL_PARTS(read, facts, head)
  auto operator()(Wiring& run, Node<PackedSequence<T>> a, Node<PackedSequence<T>> b, Node<Matrix<T>> known) const {
    const auto difference = final_output(run(read, a)) - final_output(run(read, b));
    return run(head, difference * difference + 0.5 * run(facts, known));
  }
};

/// Parts that take and give more than one value.
template <class T> struct Encoder : Composite<Encoder<T>, T> {
  struct Out {
    Node<PackedSequence<T>> h;
    Node<typename Recurrent<Lstm<T>>::State> state;
  };
  Embedding<T> embed{20, 5};
  Recurrent<Lstm<T>> read{Lstm<T>{5, 4}};
  UNROLL_PARTS(embed, read)
  Out operator()(Wiring& run, Node<TokenBatch> x) const {
    const auto h = run(read, run(embed, x));
    return {h, h.state};
  }
};
template <class T> struct Recoder : Composite<Recoder<T>, T> {
  Encoder<T> encode;
  Recurrent<Lstm<T>> decode{Lstm<T>{4, 4}, {.recurrent_dropout = 0.2}};
  UNROLL_PARTS(encode, decode)
  auto operator()(Wiring& run, Node<TokenBatch> x) const {
    const auto read = run(encode, x);
    return run(decode, read.h, from(read.state));
  }
};

/// As many calls of one layer as the batch has steps, each from the state of the one before.
template <class T> struct Loop : Composite<Loop<T>, T> {
  Recurrent<Lstm<T>> turn{Lstm<T>{3, 3}};
  UNROLL_PARTS(turn)
  auto operator()(Wiring& run, Node<PackedSequence<T>> x) const {
    auto h = run(turn, x);
    for (Index t = 1; t < x->packing.steps(); ++t) h = run(turn, h, from(h.state));
    return mean_over_time<T>(h);
  }
};

/// A language model whose output has the embedding's weights.
template <class T> struct Tied : Composite<Tied<T>, T> {
  Embedding<T> embed{20, 5};
  Recurrent<Lstm<T>> read{Lstm<T>{5, 5}};
  UNROLL_PARTS(embed, read)
  auto operator()(Wiring& run, Node<TokenBatch> x) const { return tied_output(run, embed, run(read, run(embed, x))); }
};

/// Every other function of values.
template <class T> struct Functions : Composite<Functions<T>, T> {
  Dense<T> a{3, 4}, b{3, 4};
  UNROLL_PARTS(a, b)
  auto operator()(Wiring& run, Node<PackedSequence<T>> x) const {
    const auto u = run(a, x), v = run(b, x);
    const auto w = u * v - 2 * v + scaled_dot_attention<T>(u, v);
    const auto pooled = concat_rows(max_over_time(w), last_step(w), mean_over_time(v));
    return rows(each_step(pooled, x), 1, 9);
  }
};

}  // namespace models
