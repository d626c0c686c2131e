// One language to another. An essay in one program: an encoder reads a sentence from both ends, a decoder writes its
// translation word by word and looks back before each at what it needs.
//
//   translate train --task dates         learns to write dates, in seconds; also numbers and reverse
//   translate train --data DIR           learns from DIR/train.de(.gz) and train.en(.gz), a sentence a line; val.* says
//                                        when it is good (Multi30k, for one)
//   translate translate --text "..."     translates a text, or each line of what it is given, and draws where it looks
//   translate evaluate --from F --to T   BLEU of a saved model on the lines of two files
//
// Each has --help. The model is that of Luong et al. 2015: what it has just said, with what it looked at, is fed to the
// next step beside the next word.
#include <cmath>
#include <filesystem>
#include <iostream>
#include <map>
#include <set>

#include <CLI/CLI.hpp>

#include <unroll/metric/bleu.hpp>
#include <unroll/metric/exact_match.hpp>
#include <unroll/train/text_translator.hpp>
#include <unroll/unroll.hpp>

#include "training.hpp"
#include "translate_tasks.hpp"

namespace {

using namespace unroll;
namespace fs = std::filesystem;
using Texts = std::vector<std::string>;

// 1. The model.

struct Shape {
  Index source = 4, target = 4;  // sizes of the vocabularies
  Index embed = 256, units = 512;
  double dropout = 0.3;
  UNROLL_OPTIONS(source, target, embed, units, dropout)
};

/// A step of the decoder. `said` is what it gives: it comes back in the next step, beside the next word.
struct Step : CompositeCell<Step> {
  Pointwise<Delay<>> said;
  Pointwise<Gru<>> gru;
  Dense<> feed;
  AdditiveAttention<> attend;
  Dense<> mix;
  Tanh<> tanh;
  UNROLL_PARTS(said, gru, feed, attend, mix, tanh)

  explicit Step(const Shape& of)
      : said(Delay{of.units}),
        gru(Gru{of.embed, of.units}),
        feed(of.units, 3 * of.units, {.bias = false}),
        attend(of.units, of.units, of.units / 2),
        mix(2 * of.units, of.units) {}
  Index inputs() const { return gru.inputs(); }
  Index gate_rows() const { return gru.gate_rows(); }

  auto operator()(StepWiring<>& run, StepNode<> a, StepMemory<> source) const {
    const auto h = run(gru, a + run(feed, run.previous(said)));
    return run(said, run(tanh, run(mix, concat_rows(h, run(attend, h, source)))));
  }
};

struct Model : EncoderDecoder<Model> {
  Shape shape;
  Embedding<> source, target;
  Dropout<> drop;
  Bidirectional<Gru<>> encoder;
  Dense<> bridge;
  Tanh<> tanh;
  Recurrent<Step> decoder;
  SoftmaxClassifier<> head;
  UNROLL_PARTS(shape, source, target, drop, encoder, bridge, tanh, decoder, head)

  explicit Model(const Shape& of)
      : shape(of),
        source(of.source, of.embed),
        target(of.target, of.embed),
        drop(of.dropout),
        encoder(Gru{of.embed, of.units / 2}),
        bridge(of.units, of.units),
        decoder(Step(of)),
        head(of.units, of.target, {.label_smoothing = 0.1}) {}

  auto encode(Wiring& run, Node<TokenBatch> x) const {
    const auto read = run(encoder, run(drop, run(source, x)));
    const auto start = run(tanh, run(bridge, final_output(read)));
    return std::tuple{Node<PackedSequence<>>(read), initial_state(decoder, start, start)};
  }
  auto decode(Wiring& run, const auto& encoded, Node<TokenBatch> y) const {
    const auto& [read, start] = encoded;
    return run(head, run(drop, run(decoder, run(drop, run(target, y)), read, from(start))));
  }
};
using Translator = TextTranslator<Model>;

// 2. The data.

struct Options {
  std::string task = "dates", from = "de", to = "en";
  fs::path data;
  Index units = 0, epochs = -1, subwords = 0, batch = 64, pairs = 0;
  double rate = 0, dropout = -1;
  std::uint64_t seed = 1;
  training::Files files{.save = "translate.safetensors"};
};

struct Corpus {
  tasks::Pairs train, valid, test;
  std::map<std::string, tasks::Pairs> held_out{};  // of a task: formats of which training sees none
};
tasks::Pairs part_of(const tasks::Pairs& all, std::size_t first, std::size_t count) {
  const auto cut = [&](const Texts& texts) {
    const auto begin = texts.begin() + static_cast<std::ptrdiff_t>(std::min(first, texts.size()));
    return Texts(begin, begin + std::min(static_cast<std::ptrdiff_t>(count), texts.end() - begin));
  };
  return {cut(all.from), cut(all.to)};
}
Corpus read_corpus(const Options& options) {
  const auto most = static_cast<std::size_t>(options.pairs > 0 ? options.pairs : 1'000'000'000);
  if (options.data.empty()) {  // what is tested is in no format in what is learned
    const std::size_t n = std::min<std::size_t>(most, 4000);
    const tasks::Pairs all = tasks::make(options.task, n + 200, options.seed);
    const std::set<std::string> known(all.to.begin(), all.to.end());
    return {part_of(all, 0, n), part_of(all, n, 200), tasks::make(options.task, 500, options.seed + 1, known),
            tasks::make_held_out(options.task, 200, options.seed + 2, known)};
  }
  const auto read = [&](const std::string& name) {
    const auto file = [&](const std::string& language) {
      const fs::path path = options.data / (name + '.' + language), gzip = path.string() + ".gz";
      return fs::exists(gzip) ? gzip : path;
    };
    return tasks::read_pairs(file(options.from), file(options.to));
  };
  const tasks::Pairs valid = read("val");
  return {part_of(read("train"), 0, most), valid, valid};
}

/// Letters of the tasks; of sentences words that occur twice, or byte pairs.
TextEncoding encoding_of(const Texts& texts, const Options& options) {
  if (options.data.empty()) return with_marks(Vocabulary::build(texts, {.tokenizer = CharacterTokenizer{}}));
  if (options.subwords > 0) return BytePairEncoding::learn(texts, {.max_size = options.subwords});
  return with_marks(Vocabulary::build(texts, {.min_frequency = 2, .tokenizer = WhitespaceTokenizer{}}));
}

// 3. What a model is worth: BLEU of the words, and the share of texts that are right as a whole.

void print_scores(const Translator& translator, const tasks::Pairs& pairs, const TranslateOptions& how) {
  const auto words = [](const Texts& texts) {
    std::vector<Texts> all;
    for (const std::string& text : texts) all.push_back(Tokenizer(WhitespaceTokenizer{}).tokenize(text));
    return all;
  };
  const Texts translated = translator(std::span(pairs.from), how);
  if (const BleuScore bleu = corpus_bleu(words(translated), words(pairs.to)); bleu.totals[3] > 0)
    std::cout << bleu.str() << '\n';
  std::cout << "exact match " << exact_match(translated, pairs.to) << std::endl;
}

// 4. Where it looks.

/// How much each token that was written, and the end, looked at each of the source: (source, written and the end). The
/// query of a step is what the gru gave, which is in the decoder's state; so all of its beginnings are read.
Matrix<> weights_of(const Model& model, std::span<const std::int32_t> source, std::span<const std::int32_t> written) {
  std::vector<std::int32_t> text{TextEncoding::bos};
  text.insert(text.end(), written.begin(), written.end());
  std::vector<std::span<const std::int32_t>> beginnings;
  for (std::size_t n = 1; n <= text.size(); ++n) beginnings.push_back(std::span(text).first(n));
  Inputs<TokenBatch, TokenBatch> x;
  pack_tokens(std::vector(text.size(), source), std::get<0>(x.all));
  pack_tokens(beginnings, std::get<1>(x.all));

  CacheFor<Model, Inputs<TokenBatch, TokenBatch>> cache;
  Model::State end;
  model.forward({.gradients = false}, x, cache, {nullptr, &end});
  const Matrix<>& h = std::get<Recurrent<Step>::State>(end.parts).fields[1];  // that of `said` is the first
  const PackedSequence<> queries{h, Packing::from_lengths(std::vector<Index>(text.size(), 1), 1)};
  return model.decoder.cell.attend.weights(queries, output_of<PackedSequence<>>(cache, model.encoder));
}
void add_map(std::vector<page::Map>& to, const Translator& translator, const std::string& text,
             const TranslateOptions& how) {
  const auto tokens_of = [](const TextEncoding& encoding, std::span<const std::int32_t> ids) {
    Texts tokens;
    for (const std::int32_t id : ids) tokens.emplace_back(encoding.token(id) == " " ? "\u2423" : encoding.token(id));
    return tokens;
  };
  const std::vector<std::int32_t> source = source_of_pair(translator.source.encode(text), translator.pairs);
  if (source.empty()) return;
  const std::vector<std::int32_t> written = translate(translator.model, std::span(source), how).front().ids;
  page::Map map{tokens_of(translator.source, source), tokens_of(translator.target, written),
                weights_of(translator.model, source, written)};
  map.written.emplace_back("end");
  to.push_back(std::move(map));
}

// 5. Training.

void train(const Options& options) {
  const bool is_task = options.data.empty();
  const Corpus corpus = read_corpus(options);
  const TextEncoding source = encoding_of(corpus.train.from, options), target = encoding_of(corpus.train.to, options);
  const Index units = options.units > 0 ? options.units : is_task ? 96 : 512;
  const Shape shape{source.size(), target.size(), units / 2, units,
                    options.dropout >= 0 ? options.dropout
                    : is_task            ? 0
                                         : 0.3};
  Translator translator{Model(shape), source, target};
  initialize(translator.model, Rng(options.seed));
  summary(translator.model, std::cout);

  const auto encode = [&](const tasks::Pairs& pairs) { return encode_pairs(source, target, pairs.from, pairs.to); };
  const PairDataset data = encode(corpus.train), valid = encode(corpus.valid);
  std::cout << '\n' << data.size() << " pairs to learn from, " << valid.size() << " to validate on\n\n";

  const double rate = options.rate > 0 ? options.rate : is_task ? 4e-3 : 1e-3;
  FitOptions<PairDataset> how{.epochs = options.epochs >= 0 ? options.epochs
                                        : is_task           ? 8
                                                            : 12,
                              .batch_size = options.batch,
                              .seed = options.seed,
                              .similar_length = true,
                              .validation = valid,
                              .clip_norm = 1,
                              .callbacks = {training::DownToZero{rate, rate / 50, training::short_warm_up}},
                              .progress = &std::cout};
  how.callbacks.emplace_back(EarlyStopping{.monitor = "val_loss", .patience = 1000, .restore_best = true});
  options.files.follow(how, 200, "the best weights so far are kept");
  const History history = fit(translator.model, Adam{.rate = rate}, data, how);
  require<std::runtime_error>(history.stopped != Stopped::not_finite, history.message);

  save(options.files.save, translator);
  std::cout << "saved to " << options.files.save.string() << '\n';
  print_scores(translator, corpus.test, {.width = 1});
  for (const auto& [format, pairs] : corpus.held_out)
    std::cout << "exact match " << exact_match(translator(std::span(pairs.from), {.width = 1}), pairs.to)
              << " in a format that it has not seen: " << format << std::endl;
}

Translator load_translator_of(const fs::path& path) {
  return load_translator([](const ModelInfo& info, Index, Index) { return Model(info.options_of<Shape>("shape")); },
                         path);
}

}  // namespace

int main(int argc, char** argv) try {
  CLI::App app("Learns to translate, and translates.");
  app.require_subcommand(1);
  app.failure_message([](const CLI::App*, const CLI::Error& e) { return concat_text("translate: ", e.what(), "\n"); });
  int threads = 0;
  Options options;
  TranslateOptions how;
  fs::path model = options.files.save, from, to, plot;
  std::string text;
  const auto add_common = [&](CLI::App* command) {
    training::add_threads(*command, threads);
    if (command->get_name() == "train") return;
    command->add_option("--model", model)->capture_default_str();
    command->add_option("--width", how.width, "translations that are followed at once; 1: the likeliest word each time")
        ->check(CLI::Range(1, 100))
        ->capture_default_str();
    command->add_option("--length-penalty", how.length_penalty, "more: longer ones (Wu et al. 2016)")
        ->check(CLI::Range(0.0, 10.0))
        ->capture_default_str();
  };

  CLI::App* const train_command = app.add_subcommand("train", "learn from pairs of texts, save the model, test it");
  train_command
      ->add_option("--task", options.task,
                   "what to learn without data: dates, numbers or reverse; tested in formats that are held out, too")
      ->check(CLI::IsMember({"dates", "numbers", "reverse"}))
      ->capture_default_str();
  train_command->add_option("--data", options.data, "a folder of train.de, train.en, val.de and val.en (.gz too)");
  train_command->add_option("--from", options.from, "the end of the sources' names")->capture_default_str();
  train_command->add_option("--to", options.to, "the end of the targets' names")->capture_default_str();
  train_command->add_option("--pairs", options.pairs, "so many at most")->check(CLI::Range(1, 1'000'000'000));
  train_command->add_option("--subwords", options.subwords, "byte pairs of so many tokens; 0: words")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str();
  train_command->add_option("--units", options.units, "default: 512, of a task 96")->check(CLI::Range(2, 100'000));
  train_command->add_option("--dropout", options.dropout, "default: 0.3, of a task 0")->check(CLI::Range(0.0, 0.99));
  train_command->add_option("--epochs", options.epochs, "default: 12, of a task 8")->check(CLI::Range(0, 1'000'000));
  train_command->add_option("--batch", options.batch, "pairs a batch")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  train_command->add_option("--rate", options.rate, "default: 0.001, of a task 0.004")->check(CLI::Range(1e-9, 10.0));
  train_command->add_option("--seed", options.seed)->capture_default_str();
  options.files.add_options(*train_command);
  add_common(train_command);

  CLI::App* const translate_command = app.add_subcommand("translate", "translate a text, or the lines of the input");
  translate_command->add_option("--text", text);
  translate_command->add_option("--plot", plot,
                                "what each word looked at, of each text: a page, .html, or a picture, .svg");
  add_common(translate_command);

  CLI::App* const evaluate_command = app.add_subcommand("evaluate", "BLEU of a saved model on pairs of texts");
  evaluate_command->add_option("--from", from, "texts, one a line (.gz too)")->required();
  evaluate_command->add_option("--to", to, "their translations")->required();
  add_common(evaluate_command);

  CLI11_PARSE(app, argc, argv);
  set_threads(threads);
  if (train_command->parsed()) {
    train(options);
    return 0;
  }
  const Translator translator = load_translator_of(model);
  if (evaluate_command->parsed()) {
    print_scores(translator, tasks::read_pairs(from, to), how);
    return 0;
  }
  std::vector<page::Map> maps;
  const auto answer = [&](const std::string& line) {
    std::cout << translator(line, how) << std::endl;
    if (!plot.empty()) add_map(maps, translator, line, how);
  };
  if (!text.empty()) answer(text);
  if (text.empty())
    for (std::string line; std::getline(std::cin, line);) answer(line);
  if (!plot.empty()) page::write(plot, "What each word looked at", page::picture(maps));
  return 0;
} catch (const std::exception& error) {
  std::cerr << "translate: " << error.what() << '\n';
  return 1;
}
