// Models that cannot write a text, or stream.
// CASE 1: must say "a bidirectional layer has read the tokens that a language model is to say"
// CASE 2: must say "a language model takes a TokenBatch and gives logits for every step"
// CASE 3: must say "a stream is of a model of one input"
#include <unroll/network/graph_of.hpp>
#include <unroll/train/generate.hpp>
#include <unroll/unroll.hpp>

using namespace unroll;

struct TwoInputs : Composite<TwoInputs> {
  Dense<> dense{3, 3};
  UNROLL_PARTS(dense)
  auto operator()(Wiring& run, Node<PackedSequence<float>> x, Node<PackedSequence<float>> y) const {
    return run(dense, x) + y;
  }
};

int main() {
  const std::vector<std::int32_t> start{1};
#if CASE == 0
  generate(Sequential{Embedding{5, 4}, Recurrent{Gru{4, 6}}, Dense{6, 5}}, start);
  graph_of(Sequential{Embedding{5, 4}, Recurrent{Gru{4, 6}}, Dense{6, 5}});
#elif CASE == 1
  generate(Sequential{Embedding{5, 4}, Bidirectional{Gru{4, 6}}, Dense{12, 5}}, start);
#elif CASE == 2
  generate(Sequential{Embedding{5, 4}, FinalState{Recurrent{Gru{4, 6}}}, Dense{6, 5}}, start);
#elif CASE == 3
  graph_of(TwoInputs());
#endif
}
