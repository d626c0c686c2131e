// The sentiment example as its user meets it: a program, its output, its exit code, and the files it leaves.
#include <algorithm>
#include <sstream>

#include <unroll/data/encode.hpp>
#include <unroll/data/gzip.hpp>
#include <unroll/io/model_file.hpp>

#include "child.hpp"

namespace sentiment_test {

using namespace child;
using Words = std::vector<std::string>;

const fs::path program = fs::path(UNROLL_EXAMPLES_DIR) / "sentiment";
const std::string bundled = UNROLL_SOURCE_DIR "/examples/data/reviews_train.tsv",
                  bundled_test = UNROLL_SOURCE_DIR "/examples/data/reviews_test.tsv";

/// `sentiment train` on little data, so that it takes a moment. `more` is pairs of options and values; they win.
Words train(const fs::path& save, const Words& more = {}) {
  Words words{"train", "--threads", "1", "--save", save.string()};
  words.insert(words.end(), more.begin(), more.end());
  const Words usual{"--train",  bundled, "--test",  bundled_test, "--words",  "200",
                    "--length", "10",    "--limit", "64",         "--epochs", "1"};
  for (std::size_t k = 0; k < usual.size(); k += 2)
    if (std::find(more.begin(), more.end(), usual[k]) == more.end())
      words.insert(words.end(), {usual[k], usual[k + 1]});
  return words;
}

/// What all tests that need a trained model share: it is made once.
struct Trained {
  Folder folder;
  fs::path model = folder / "model.safetensors";
  Result result = run(program, train(model));
  std::string bytes = read(model);
};
const Trained& trained() {
  static const Trained once;
  return once;
}

/// The bytes with `from` replaced by `to`, which is no longer: the header of a model file is JSON, where spaces may
/// stand at the end of it.
std::string changed(std::string bytes, const std::string& from, std::string to) {
  const auto at = bytes.find(from);
  REQUIRE(at != std::string::npos);
  to.resize(from.size(), ' ');
  return bytes.replace(at, from.size(), to);
}

TEST_CASE("sentiment train ends with the accuracy and the loss on the test reviews, and saves the model") {
  const Result& result = trained().result;
  check_well(result);
  CHECK(shape(result.last_line()) == "test accuracy d.dddd, test loss d.dddd");
  CHECK(mentions(result.out, "64 reviews to learn from"));
  CHECK(mentions(result.out, "saved to " + trained().model.string()));
  CHECK(fs::exists(trained().model));
}

TEST_CASE("every architecture is trained, saved and used") {
  const Folder folder;
  for (const std::string architecture : {"bilstm", "attention", "views", "gru", "rnn"}) {
    CAPTURE(architecture);
    const fs::path model = folder / architecture;
    const Result result = run(program, train(model, {"--architecture", architecture, "--keep", "last"}));
    check_well(result);
    const Result again = run(program, {"evaluate", "--model", model.string(), "--test", bundled_test, "--limit", "64"});
    check_well(again);
    CHECK(again.out == result.last_line() + "\n");
  }
}

TEST_CASE("words begin with the vectors of a file, and keep them until the epoch that is said") {
  const Folder folder;
  std::string line = "the";
  for (int d = 0; d < 64; ++d) line += unroll::concat_text(" ", d * 0.25 - 8);
  const fs::path vectors = folder.write("vectors.txt", line + "\n");
  const auto vector_of_the = [&](const std::string& name, const std::string& freeze_until) {
    const fs::path model = folder / name;
    const Result result = run(program, train(model, {"--architecture", "attention", "--vectors", vectors.string(),
                                                     "--freeze-until", freeze_until, "--length", "100"}));
    check_well(result);
    CHECK(mentions(result.out, "found                   1"));
    const unroll::Matrix<> table = unroll::read_safetensors(model).matrix<float>("embed.weight");  // (V, D)
    return unroll::Matrix<>(table.row(unroll::read_model_info(model).vocabulary->id("the")));
  };
  const unroll::Matrix<> kept = vector_of_the("kept", "2");
  REQUIRE(kept.size() == 64);
  for (unroll::Index d = 0; d < 64; ++d) CHECK(kept(0, d) == static_cast<float>(d) * 0.25F - 8);
  CHECK(vector_of_the("moved", "1") != kept);

  check_refused(run(program, train(folder / "none", {"--vectors", vectors.string()})),
                {"the embedding has 128 features, the vectors have 64 numbers"});
  check_refused(run(program, train(folder / "none", {"--freeze-until", "2"})), {"--freeze-until", "--vectors"});
  CHECK_FALSE(fs::exists(folder / "none"));
}

TEST_CASE("sentiment predict draws the words that a verdict rests on, where the model weighs them") {
  const Folder folder;
  const fs::path model = folder / "attention", picture = folder / "words.svg";
  check_well(run(program, train(model, {"--architecture", "attention", "--keep", "last", "--length", "4"})));
  const auto predict = [&](const fs::path& by, const Words& texts) {
    Words words{"predict", "--model", by.string(), "--plot", picture.string()};
    words.insert(words.end(), texts.begin(), texts.end());
    return run(program, words);
  };
  check_well(predict(model, {"One two, three four five & six.", ""}));
  const std::string svg = read(picture);
  CHECK(svg.starts_with("<svg"));
  for (const std::string word : {"three", "four", "five", "six"}) CHECK(mentions(svg, ">" + word + "</text>"));
  CHECK_FALSE(mentions(svg, ">two</text>"));         // which was not read
  CHECK(mentions(svg, "fill=\"rgb(230,130,40)\""));  // the largest weight
  check_refused(predict(trained().model, {"A fine film."}), {"--plot", "--architecture attention"});
}

TEST_CASE("sentiment evaluate gives the line of train, every time and from another folder") {
  const Folder elsewhere;
  const Words words{"evaluate", "--model", trained().model.string(), "--test", bundled_test, "--limit", "64"};
  for (int k = 0; k < 2; ++k) {
    const Result result = run(program, words, {.folder = elsewhere.path()});
    check_well(result);
    CHECK(result.out == trained().result.last_line() + "\n");
  }
}

TEST_CASE("sentiment predict gives a verdict and its probability for each text") {
  const Folder elsewhere;
  const std::string model = trained().model.string();
  const Result result =
      run(program, {"predict", "--model", model, "A fine film.", "", "Dreadful!"}, {.folder = elsewhere.path()});
  check_well(result);
  const auto answers = lines(result.out);
  REQUIRE(answers.size() == 3);
  const Words texts{"A fine film.", "", "Dreadful!"};
  for (std::size_t k = 0; k < 3; ++k) {
    const std::string& answer = answers[k];
    CAPTURE(answer);
    std::istringstream words(answer);
    std::string verdict, unit;
    double percent = 0;
    words >> verdict >> percent >> unit;
    CHECK((verdict == "POSITIVE" || verdict == "NEGATIVE"));
    CHECK(unit == "%");
    CHECK(percent >= 50);
    CHECK(percent <= 100);
    CHECK(answer.ends_with(" %  " + texts[k]));
  }

  const Result lines_of_input =
      run(program, {"predict", "--model", model}, {.folder = elsewhere.path(), .input = "A fine film.\n\nDreadful!"});
  check_well(lines_of_input);
  CHECK(lines_of_input.out == result.out);
  const Result no_input = run(program, {"predict", "--model", model});
  check_well(no_input);
  CHECK(no_input.out.empty());
}

TEST_CASE("a training review becomes the same ids in training and from the saved file") {
  using namespace unroll;
  const LabelledTexts reviews = read_labelled_text(bundled, {.limit = 64});
  const Encoder in_training(Vocabulary::build(reviews.texts, {.max_size = 200}), {.length = 10});
  const ModelInfo info = read_model_info(trained().model);
  REQUIRE(info.vocabulary.has_value());
  const Encoder in_prediction = Encoder::from_metadata(*info.vocabulary, info.extra, info.source);
  CHECK(in_prediction.options().length == 10);
  for (const std::string& text : reviews.texts) CHECK(in_prediction(text) == in_training(text));
}

TEST_CASE("a model file that cannot be used is refused by its name and with the reason") {
  const Folder folder;
  const std::string& bytes = trained().bytes;
  const auto predict = [&](const fs::path& file) {
    return run(program, {"predict", "--model", file.string(), "text"});
  };

  check_refused(predict(folder / "none"), {"sentiment: ", (folder / "none").string(), "No such file"});
  for (const std::size_t size : {std::size_t{0}, std::size_t{5}, std::size_t{900}, bytes.size() / 2, bytes.size() - 1})
    check_refused(predict(folder.write("short", bytes.substr(0, size))), {(folder / "short").string()});
  check_refused(predict(bundled), {bundled});

  // The name of another architecture: the tensor that does not fit, its shape there and the shape wanted.
  const std::string name = R"("unroll.architecture":"lstm")";
  check_refused(predict(folder.write("gru", changed(bytes, name, R"("unroll.architecture":"gru")"))),
                {(folder / "gru").string(), "1.weight_ih_l0", "512", "384"});
  check_refused(predict(folder.write("cnn", changed(bytes, name, R"("unroll.architecture":"cnn")"))),
                {"unknown architecture 'cnn'", "lstm, bilstm, attention, views, gru or rnn"});
}

TEST_CASE("reviews that cannot be read are refused with file and line, and the old model stays") {
  const Folder folder;
  const fs::path model = folder.write("model", trained().bytes);
  const auto refused = [&](const Words& more, const Words& parts) {
    check_refused(run(program, train(model, more)), parts);
    CHECK(read(model) == trained().bytes);
  };
  const fs::path wrong = folder.write("wrong.tsv", "1\tgood\n0\tbad\npositive\tgood\n"),
                 no_tab = folder.write("tab.tsv", "1\tgood\n0 bad\n"), empty = folder.write("empty.tsv", "");
  refused({"--train", wrong.string()}, {wrong.string() + ":3", "positive"});
  refused({"--train", no_tab.string()}, {no_tab.string() + ":2", "tab"});
  refused({"--train", empty.string()}, {empty.string(), "empty"});
  refused({"--train", (folder / "none.tsv").string()}, {(folder / "none.tsv").string()});
  refused({"--train", folder.path().string()}, {folder.path().string()});
  refused({"--test", wrong.string()}, {wrong.string() + ":3", "positive"});
  refused({"--test", empty.string()}, {empty.string(), "empty"});
}

TEST_CASE("options without a meaning are refused by their names") {
  const Folder folder;
  const auto refused = [&](const Words& more, const Words& parts) {
    check_refused(run(program, train(folder / "model", more)), parts);
    CHECK_FALSE(fs::exists(folder / "model"));
  };
  refused({"--architecture", "cnn"}, {"unknown architecture 'cnn'", "lstm, bilstm, attention, views, gru or rnn"});
  refused({"--epochs", "-1"}, {"--epochs"});
  refused({"--epochs", "many"}, {"--epochs", "many"});
  refused({"--keep", "middle"}, {"--keep", "middle"});
  refused({"--words", "2"}, {"--words"});
  refused({"--length", "0"}, {"--length"});
  refused({"--speed", "9"}, {"--speed"});
  check_refused(run(program, {}), {"sentiment: "});
  check_refused(run(program, {"practice"}), {"sentiment: "});
  check_refused(run(program, train(folder / "none" / "model")), {(folder / "none").string(), "No such file"});

  for (const Words& help : {Words{"--help"}, Words{"train", "--help"}, Words{"predict", "--help"}})
    check_well(run(program, help));
}

TEST_CASE("a disk that is full while the model is saved leaves the old model as it was") {
  const Folder folder;
  const fs::path model = folder.write("model", trained().bytes);
  const Result result = run(program, train(model, {"--seed", "2"}), {.largest_file = 100'000});
  check_refused(result, {model.string(), "File too large"});
  CHECK(read(model) == trained().bytes);
  check_well(run(program, {"predict", "--model", model.string(), "A fine film."}));
  CHECK(folder.files() == 1);  // nothing half-written is left
}

TEST_CASE("Ctrl-C ends training after the present batch, and the model is saved and of use") {
  const Folder folder;
  const fs::path model = folder / "model", log = folder / "log.csv";
  Program training(program, train(model, {"--limit", "640", "--epochs", "100000", "--log", log.string()}));
  REQUIRE(training.wait_for([&] { return lines(read(log)).size() >= 2; }));  // the names, and an epoch
  training.send(SIGINT);
  const Result result = training.wait();
  check_well(result);
  CHECK(mentions(result.out, "interrupted"));
  const Result test = run(program, {"evaluate", "--model", model.string(), "--test", bundled_test, "--limit", "640"});
  check_well(test);
  CHECK(test.out == result.last_line() + "\n");
}

TEST_CASE("a run that was killed goes on from its file to the end it would have come to") {
  const Folder folder;
  const fs::path kept = folder / "run";
  const auto words = [&](const std::string& name, const fs::path& resume) {
    return train(folder / name, {"--limit", "320", "--epochs", "6", "--resume", resume.string()});
  };
  const Result whole = run(program, words("whole", folder / "whole_run"));
  check_well(whole);

  Program training(program, words("killed", kept));
  REQUIRE(training.wait_for([&] { return mentions(training.output(), "epoch 2/"); }));
  training.send(SIGKILL);
  CHECK(training.wait().signal == SIGKILL);
  CHECK_FALSE(fs::exists(folder / "killed"));

  const Result resumed = run(program, words("killed", kept));
  check_well(resumed);
  CHECK(resumed.last_line() == whole.last_line());
  CHECK(read(folder / "killed") == read(folder / "whole"));  // the same bits
  CHECK_FALSE(mentions(resumed.out, "epoch 1/"));            // it did go on, not begin again

  // A damaged file is refused, not overwritten by a run that begins anew.
  const std::string half = read(kept).substr(0, 1000);
  check_refused(run(program, words("other", folder.write("half", half))), {(folder / "half").string()});
  CHECK(read(folder / "half") == half);
}

}  // namespace sentiment_test
