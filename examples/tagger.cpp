// A tag for every word. An essay in one program: a sentence is read from both ends, each of its words as a whole and
// letter by letter, so that words nobody has seen are known by their capitals and endings.
//
//   tagger train --train train.conllu.gz --valid dev.conllu.gz --test test.conllu.gz --format conll-u
//                                                          parts of speech, of Universal Dependencies
//   tagger train --train train.conll.gz --valid valid.conll.gz --test test.conll.gz --head crf
//                                                          names, as CoNLL-2003 has them
//   tagger tag "Anna Smith works in New York ."
//
// Each has --help. The two heads decide differently: the softmax word by word, the CRF for the sentence as a whole.
// Names and other stretches of words count as a whole: one is right where both ends and the kind are, and F1 is
// conlleval's.
#include <algorithm>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <sstream>

#include <CLI/CLI.hpp>

#include <unroll/data/gzip.hpp>
#include <unroll/data/word_dataset.hpp>
#include <unroll/io/model_file.hpp>
#include <unroll/layer/character_embedding.hpp>
#include <unroll/unroll.hpp>

#include "training.hpp"

namespace {

using namespace unroll;
namespace fs = std::filesystem;
using Words = std::vector<std::string>;

// 1. The data: a word a line with its tag, an empty line behind each sentence.

/// Tags that mark stretches, "B-PER" and "O", in whatever scheme.
bool mark_spans(const Words& tags) {
  return std::ranges::all_of(tags, [](const std::string& tag) { return tag == "O" || tag.find('-') == 1; });
}
/// Spans as BIO, whatever scheme the file has.
TaggedSentences read_sentences(const fs::path& path, ConllOptions options) {
  options.read = read_gzip_file;
  TaggedSentences sentences = read_conll(path, options);
  if (mark_spans(sentences.tag_names()))
    for (Words& tags : sentences.tags) tags = as_bio(tags);
  return sentences;
}

// 2. The model.

/// What a word is in its sentence. Of a quarter of the words training shows the letters alone.
struct Reader : Composite<Reader> {
  Embedding<> words;
  CharacterEmbedding<Lstm<>> characters;
  Dropout<> drop_words{0.25, {.whole_steps = true, .scaled = false}}, drop{0.5};
  Bidirectional<Lstm<>> read;
  UNROLL_PARTS(words, characters, drop_words, drop, read)

  struct Sizes {
    Index words, characters, units;
  };
  explicit Reader(const Sizes& of)
      : words(of.words, 100), characters(of.characters, Lstm{25, 50}), read(Lstm{200, of.units}) {}
  Index features() const { return 2 * read.forward_layer.cell.state_rows(0); }
  auto operator()(Wiring& run, Node<TokenBatch> word, Node<TokenBatch> letters) const {
    const auto known = concat_rows(run(drop_words, run(words, word)), run(characters, letters));
    return run(drop, run(read, run(drop, known)));
  }
};

/// Each word by itself.
struct Softmax : Composite<Softmax> {
  Reader reader;
  SoftmaxClassifier<> head;
  UNROLL_PARTS(reader, head)

  Softmax(Reader of, const Words& tags) : reader(std::move(of)), head(reader.features(), std::ssize(tags)) {}
  auto operator()(Wiring& run, Node<TokenBatch> word, Node<TokenBatch> letters) const {
    return run(head, run(reader, word, letters));
  }
};
/// The likeliest of all sequences of tags, of which BIO forbids some.
struct ConditionalRandomField : Composite<ConditionalRandomField> {
  Reader reader;
  Dense<> score;
  Crf<> head;
  UNROLL_PARTS(reader, score, head)

  ConditionalRandomField(Reader of, const Words& tags)
      : reader(std::move(of)),
        score(reader.features(), std::ssize(tags)),
        head(std::ssize(tags), mark_spans(tags) ? forbidden_by(TagScheme::bio, tags) : ForbiddenTransitions()) {}
  auto operator()(Wiring& run, Node<TokenBatch> word, Node<TokenBatch> letters) const {
    return run(head, run(score, run(reader, word, letters)));
  }
};
/// Calls f with the type of the model with that head.
template <class F> auto with_head(const std::string& name, const F& f) {
  if (name == "softmax") return f(std::type_identity<Softmax>());
  if (name == "crf") return f(std::type_identity<ConditionalRandomField>());
  fail<FormatError>("unknown head '", name, "', expected softmax or crf");
}

// 3. Training.

struct Options {
  fs::path train, valid, test;
  std::string format = "columns", head = "softmax";
  Index epochs = 15, batch = 16, units = 200;
  double rate = 2e-3;
  std::uint64_t seed = 1;
  training::Files files{.save = "tagger.safetensors"};
};

/// Keeps the weights of the epoch that was best on the validation sentences.
template <class Model> void train(const Options& options) {
  const ConllOptions format{.format = options.format == "conll-u" ? ConllFormat::conll_u : ConllFormat::columns};
  const TaggedSentences known = read_sentences(options.train, format);
  const Words tags = known.tag_names();
  const WordEncoding encoding = WordEncoding::build(known.words);
  const auto dataset = [&](const TaggedSentences& of) { return encode_words(encoding, of, tags); };
  const WordDataset data = dataset(known), valid = dataset(read_sentences(options.valid, format)),
                    test = dataset(read_sentences(options.test, format));
  std::cout << data.size() << " sentences, " << known.word_count() << " words to learn from, of which "
            << encoding.words.size() << " have a vector of their own; " << encoding.characters.size() << " characters, "
            << tags.size() << " tags\n\n";

  Model model(Reader({encoding.words.size(), encoding.characters.size(), options.units}), tags);
  initialize(model, Rng(options.seed), Scheme::pytorch());
  summary(model, std::cout);
  std::cout << '\n';

  const bool spans = mark_spans(tags);
  Metrics metrics;
  if (spans) metrics = SpanScores(tags);
  FitOptions<WordDataset> how{.epochs = options.epochs,
                              .batch_size = options.batch,
                              .seed = options.seed,
                              .validation = valid,
                              .clip_norm = 5,
                              .metrics = metrics,
                              .callbacks = {training::DownToZero{options.rate, options.rate / 50},
                                            EarlyStopping{.monitor = spans ? "val_span_f1" : "val_accuracy",
                                                          .patience = static_cast<int>(options.epochs)}},
                              .progress = &std::cout};
  options.files.follow(how, 200, "the best weights so far are kept");
  const History history = fit(model, Adam{.rate = options.rate}, data, how);
  require<std::runtime_error>(history.stopped != Stopped::not_finite, history.message);

  save(options.files.save, model, encoding.words,
       {.architecture = options.head,
        .labels = tags,
        .extra = encoding.metadata(),
        .test_input = {.tokens = {1, 1}, .more = {{.tokens = {1, 0, 1, 1, 0}}}}});  // two words that nobody knows
  std::cout << "saved to " << options.files.save.string() << '\n';
  const Evaluation result = evaluate(model, test, {.metrics = metrics});
  std::cout << std::fixed << std::setprecision(4) << "test accuracy " << result.accuracy;
  for (const auto& [name, value] : result.metrics) std::cout << ", " << name << ' ' << value;
  std::cout << std::endl;
}

// 4. Using it.

template <class Model> void tag(const fs::path& file, const std::vector<std::string>& texts) {
  const auto [model, info] = load_model(
      [](const ModelInfo& of) {
        return Model(Reader({of.size("reader.words.weight", 0), of.size("reader.characters.embed.weight", 0),
                             of.size("reader.read.weight_hh_l0", 1)}),
                     of.labels);
      },
      file);
  require<FormatError>(info.vocabulary.has_value(), file.string(), ": no vocabulary");
  const WordEncoding encoding = WordEncoding::from_metadata(*info.vocabulary, info.extra, info.source);
  const auto answer = [&](const std::string& text) {
    const std::vector<Words> sentence{WhitespaceTokenizer{}.tokenize(text)};
    const auto found = predict(model, WordDataset(encoding, sentence)).front();
    for (std::size_t k = 0; k < found.size(); ++k)
      std::cout << (k > 0 ? " " : "") << sentence[0][k] << '/' << info.labels[static_cast<std::size_t>(found[k])];
    std::cout << std::endl;
  };
  for (const std::string& text : texts) answer(text);
  if (texts.empty())
    for (std::string line; std::getline(std::cin, line);) answer(line);
}

}  // namespace

int main(int argc, char** argv) try {
  CLI::App app("Learns to tag the words of sentences: parts of speech, names.");
  app.require_subcommand(1);
  app.failure_message([](const CLI::App*, const CLI::Error& e) { return concat_text("tagger: ", e.what(), "\n"); });
  int threads = 0;
  Options options;
  fs::path file = options.files.save;
  std::vector<std::string> texts;

  CLI::App* const train_command = app.add_subcommand("train", "learn from tagged sentences, save the model, test it");
  train_command->add_option("--train", options.train, "tagged sentences; .gz too")->required();
  train_command->add_option("--valid", options.valid, "the same, to choose the epoch by")->required();
  train_command->add_option("--test", options.test, "the same, never looked at in training")->required();
  train_command->add_option("--format", options.format, "columns: the word first, the tag last; conll-u: form and UPOS")
      ->check(CLI::IsMember({"columns", "conll-u"}))
      ->capture_default_str();
  train_command->add_option("--head", options.head)->check(CLI::IsMember({"crf", "softmax"}))->capture_default_str();
  train_command->add_option("--units", options.units)->check(CLI::Range(1, 100'000))->capture_default_str();
  train_command->add_option("--epochs", options.epochs)->check(CLI::Range(0, 1'000'000))->capture_default_str();
  train_command->add_option("--batch", options.batch, "sentences a batch")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  train_command->add_option("--rate", options.rate)->check(CLI::Range(0.0, 1.0))->capture_default_str();
  train_command->add_option("--seed", options.seed)->capture_default_str();
  options.files.add_options(*train_command);
  training::add_threads(*train_command, threads);

  CLI::App* const tag_command = app.add_subcommand("tag", "the tags of a sentence, whose words stand between spaces");
  tag_command->add_option("--model", file)->capture_default_str();
  tag_command->add_option("text", texts, "without any, the lines of the standard input");
  training::add_threads(*tag_command, threads);

  CLI11_PARSE(app, argc, argv);
  set_threads(threads);
  if (train_command->parsed())
    with_head(options.head, [&]<class Model>(std::type_identity<Model>) { train<Model>(options); });
  else
    with_head(read_model_info(file).architecture,
              [&]<class Model>(std::type_identity<Model>) { tag<Model>(file, texts); });
  return 0;
} catch (const std::exception& error) {
  std::cerr << "tagger: " << error.what() << '\n';
  return 1;
}
