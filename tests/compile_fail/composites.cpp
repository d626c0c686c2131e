// Models that are written as their forward pass, with a mistake: each is refused with a sentence.
// CASE 1: must say "UNROLL_PARTS(..) with the names of the parts is missing"
// CASE 2: must say "run: this layer cannot take this input"
// CASE 3: must say "operator() of a model gives one Node"
// CASE 4: must say "this model cannot take this input"
// CASE 5: must say "the two values are of different kinds"
// CASE 6: must say "run: this layer cannot take this input"
// CASE 7: must say "this model cannot read this data set"
// CASE 8: must say "CompositeCell: operator()(StepWiring<T>& run, StepNode<T> a) const is missing"
// CASE 9: must say "run: this layer cannot take this input"
// CASE 10: must say "CompositeCell: no cell is among the parts"
// CASE 11: must say "a part of a CompositeCell is a cell, Dense,"
// CASE 12: must say "UNROLL_OPTIONS: an option is a boolean"
#include <unroll/unroll.hpp>
using namespace unroll;

#if CASE == 12
struct Choices {
  std::vector<int> sizes;
  UNROLL_OPTIONS(sizes)
};
#endif
struct Tagger : Composite<Tagger> {
  Embedding<> embed{20, 5};
  Recurrent<Lstm<>> read{Lstm{5, 4}};
  Dense<> head{4, 3};
#if CASE != 1
  UNROLL_PARTS(embed, read, head)
#endif
  auto operator()(Wiring& run, Node<TokenBatch> x) const {
#if CASE == 2
    const auto h = run(read, x);
#else
    const auto h = run(read, run(embed, x));
#endif
#if CASE == 3
    return std::pair(h, final_output(h));
#elif CASE == 5
    return run(head, h + final_output(h));
#elif CASE == 6
    return run(read, final_output(h));
#else
    return run(head, h);
#endif
  }
};

#if CASE >= 8 && CASE <= 11
struct OwnCell : CompositeCell<OwnCell> {
  Dense<> dense{4, 4};
  Embedding<> embed{4, 4};
  Pointwise<Gru<>> gru{Gru{4, 4}};
  AdditiveAttention<> attend{4, 4, 4};
#if CASE == 10
  UNROLL_PARTS(dense)
  auto operator()(StepWiring<>& run, StepNode<> a) const { return run(dense, a); }
#elif CASE == 11
  UNROLL_PARTS(embed, gru)
  auto operator()(StepWiring<>& run, StepNode<> a) const { return run(gru, run(embed, a)); }
#elif CASE == 8
  UNROLL_PARTS(gru)
#else
  UNROLL_PARTS(gru, attend)
  auto operator()(StepWiring<>& run, StepNode<> a, StepMemory<>) const { return run(gru, a); }
#endif
};
struct Steps : Composite<Steps> {
  Recurrent<OwnCell> read{OwnCell{}};
  UNROLL_PARTS(read)
  auto operator()(Wiring& run, Node<PackedSequence<>> x) const { return run(read, x); }  // CASE 9: and the memory
};
#endif

template <class In> void use(const In& x) {
  Tagger model;
  CacheFor<Tagger, In> cache;
  model.forward({}, x, cache);
}

int main() {
#if CASE == 4
  use(Matrix<float>{});
#elif CASE == 7
  Tagger model;
  fit(model, CrossEntropy{}, Adam{}, SequenceDataset<>{});
#elif CASE >= 8 && CASE <= 11
  Steps model;
  CacheFor<Steps, PackedSequence<>> cache;
  model.forward({}, PackedSequence<>{}, cache);
#else
  use(TokenBatch{});
#endif
}
