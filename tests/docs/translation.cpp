// An encoder-decoder model: spelled-out numbers to digits, trained, searched, saved with both vocabularies, asked.
// region includes
#include <algorithm>
#include <cmath>
#include <iostream>
#include <span>
#include <string>
#include <vector>

#include <unroll/layer/encoder_decoder.hpp>
#include <unroll/metric/exact_match.hpp>
#include <unroll/train/scheduled_sampling.hpp>
#include <unroll/train/text_translator.hpp>
#include <unroll/unroll.hpp>

using namespace unroll;
// endregion

// region step
/// A step of the decoder: it looks at the source by what it has been (Bahdanau et al. 2015).
struct Attentive : CompositeCell<Attentive> {
  Pointwise<Gru<>> gru{Gru{24, 48}};
  AdditiveAttention<> attend{48, 48, 32};
  Dense<> context{48, 3 * 48, {.bias = false}};
  UNROLL_PARTS(gru, attend, context)

  auto operator()(StepWiring<>& run, StepNode<> a, StepMemory<> source) const {
    return run(gru, a + run(context, run(attend, run.previous(gru), source)));
  }
};
// endregion

// region model
struct Speller : EncoderDecoder<Speller> {
  Embedding<> source, target;
  Bidirectional<Gru<>> encoder{Gru{24, 24}};
  Dense<> bridge{48, 48};
  Tanh<> tanh;
  Recurrent<Attentive> decoder{Attentive{}};
  SoftmaxClassifier<> head;
  UNROLL_PARTS(source, target, encoder, bridge, tanh, decoder, head)

  Speller(Index from, Index to) : source(from, 24), target(to, 24), head(48, to) {}

  auto encode(Wiring& run, Node<TokenBatch> x) const {
    const auto read = run(encoder, run(source, x));
    const auto start = initial_state(decoder, run(tanh, run(bridge, final_output(read))));
    return std::tuple{Node<PackedSequence<>>(read), start};
  }
  auto decode(Wiring& run, const auto& encoded, Node<TokenBatch> y) const {
    const auto& [read, start] = encoded;
    return run(head, run(decoder, run(target, y), read, from(start)));
  }
};
// endregion

// region feeding
/// What was said is fed to the next step (Luong et al. 2015): `said` comes first, so that it is the output.
struct Feeding : CompositeCell<Feeding> {
  Pointwise<Delay<>> said{Delay{48}};
  Pointwise<Gru<>> gru{Gru{24, 48}};
  Dense<> feed{48, 3 * 48, {.bias = false}};
  AdditiveAttention<> attend{48, 48, 32};
  Dense<> mix{96, 48};
  Tanh<> tanh;
  UNROLL_PARTS(said, gru, feed, attend, mix, tanh)
  Index inputs() const { return gru.inputs(); }
  Index gate_rows() const { return gru.gate_rows(); }

  auto operator()(StepWiring<>& run, StepNode<> a, StepMemory<> source) const {
    const auto h = run(gru, a + run(feed, run.previous(said)));
    return run(said, run(tanh, run(mix, concat_rows(h, run(attend, h, source)))));
  }
};
// endregion

/// "forty two" and "42".
struct Pairs {
  std::vector<std::string> words, digits;
  void add(int n) {
    static const std::vector<std::string> small{
        "zero", "one",    "two",    "three",    "four",     "five",    "six",     "seven",     "eight",    "nine",
        "ten",  "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"},
        tens{"", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"};
    const auto below_100 = [](int m) {
      if (m < 20) return small[static_cast<std::size_t>(m)];
      return tens[static_cast<std::size_t>(m / 10)] +
             (m % 10 == 0 ? "" : " " + small[static_cast<std::size_t>(m % 10)]);
    };
    std::string text = n < 100 ? "" : small[static_cast<std::size_t>(n / 100)] + " hundred";
    if (n < 100 || n % 100 > 0) text += (text.empty() ? "" : " ") + below_100(n % 100);
    words.push_back(text);
    digits.push_back(std::to_string(n));
  }
};

int main() {
  Pairs training, test;
  for (int n = 0; n < 1000; ++n) (n % 7 == 3 && n > 20 ? test : training).add(n);

  // region data
  const TextEncoding source = with_marks(Vocabulary::build(training.words, {.tokenizer = WhitespaceTokenizer{}}));
  const TextEncoding target = with_marks(Vocabulary::build(training.digits, {.tokenizer = CharacterTokenizer{}}));
  const PairDataset data = encode_pairs(source, target, training.words, training.digits);
  // endregion

  // region train
  TextTranslator<Speller> translator{Speller(source.size(), target.size()), source, target};
  initialize(translator.model, Rng(1));
  fit(translator.model, Adam{.rate = 5e-3}, data,
      {.epochs = 30, .batch_size = 20, .similar_length = true, .clip_norm = 1});
  const Evaluation of_tokens = evaluate(translator.model, data);
  std::cout << "tokens above 0.99: " << (of_tokens.accuracy > 0.99) << "\n";
  const double right = exact_match(translator(std::span(test.words)), test.digits);
  std::cout << "numbers that it has not seen, above 0.95: " << (right > 0.95) << "\n";
  // endregion

  std::cout << "// region sampling\n";
  // region sampling
  Speller careful(source.size(), target.size());
  initialize(careful, Rng(1));
  fit(careful, Adam{.rate = 5e-3}, data,
      {.epochs = 30,
       .batch_size = 20,
       .similar_length = true,
       .clip_norm = 1,
       .on_batch = ScheduledSampling(careful, LinearDecay{.steps = 1000, .minimum = 0.75})});
  std::cout << "tokens above 0.99: " << (evaluate(careful, data).accuracy > 0.99) << "\n";
  // endregion

  std::cout << "// endregion\n// region beam\n";
  // region beam
  const std::vector<std::int32_t> ids = source.encode("seven hundred forty three");
  const std::vector<Hypothesis> found = translate(translator.model, std::span(ids), {.width = 5, .n_best = 3});
  const Hypothesis& best = found.front();
  std::cout << target.decode(best.ids) << ", likelier than not: " << (best.log_probability > std::log(0.5)) << "\n";
  // endregion

  std::cout << "// endregion\n// region alignment\n";
  // region alignment
  const Hypothesis aligned = translate(translator.model, std::span(ids), {.alignments = true}).front();
  for (const std::vector<double>& of_token : aligned.alignment) {  // of the words of the source
    const auto most = std::ranges::max_element(of_token) - of_token.begin();
    std::cout << source.decode(std::vector{ids[static_cast<std::size_t>(most)]}) << " ";
  }
  std::cout << "\n";
  // endregion

  std::cout << "// endregion\n// region file\n";
  // region file
  save("speller.safetensors", translator);
  const auto make = [](const ModelInfo&, Index from, Index to) { return Speller(from, to); };
  std::cout << load_translator(make, "speller.safetensors")("nine hundred three") << "\n";
  // endregion
  std::cout << "// endregion\n";
}
