// Models that are written as their forward pass, with a mistake: each is refused with a sentence.
// CASE 1: must say "UNROLL_PARTS(..) with the names of the parts is missing"
// CASE 2: must say "run: this layer cannot take this input"
// CASE 3: must say "operator() of a model gives one Node"
// CASE 4: must say "this model cannot take this input"
// CASE 5: must say "the two values are of different kinds"
// CASE 6: must say "run: this layer cannot take this input"
// CASE 7: must say "this model cannot read this data set"
#include <unroll/unroll.hpp>
using namespace unroll;

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
#else
  use(TokenBatch{});
#endif
}
