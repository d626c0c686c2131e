// The spotter of words as its user meets it. Spoken words are not bundled: here a word is a short glide of pitch.
#include <cmath>
#include <cstdint>
#include <numbers>
#include <sstream>

#include "child.hpp"

namespace keyword_test {

using namespace child;
using Words = std::vector<std::string>;

const fs::path program = fs::path(UNROLL_EXAMPLES_DIR) / "keyword";
constexpr int rate = 8000;

/// WAV with one channel of 16 bits.
std::string wav(const std::vector<double>& samples) {
  std::string bytes;
  const auto number = [&](std::size_t value, int size) {
    for (int k = 0; k < size; ++k) bytes += static_cast<char>(value >> (8 * k) & 255);
  };
  bytes += "RIFF", number(36 + 2 * samples.size(), 4);
  bytes += "WAVEfmt ", number(16, 4), number(1, 2), number(1, 2), number(rate, 4), number(2 * rate, 4), number(2, 2);
  number(16, 2), bytes += "data", number(2 * samples.size(), 4);
  for (const double x : samples) number(static_cast<std::uint16_t>(static_cast<std::int16_t>(20000 * x)), 2);
  return bytes;
}
std::vector<double> glide(double from, double to) {
  std::vector<double> samples(rate * 3 / 10);
  double angle = 0;
  for (std::size_t n = 0; n < samples.size(); ++n) {
    const double share = static_cast<double>(n) / static_cast<double>(samples.size());
    angle += 2 * std::numbers::pi * (from + (to - from) * share) / rate;
    samples[n] = std::sin(angle);
  }
  return samples;
}

/// Two words, up and down, and others that stay where they are.
struct Spoken {
  Folder folder;
  Spoken() {
    for (const auto& [part, voices] : {std::pair("train", 8), {"valid", 2}, {"test", 3}}) {
      for (const std::string word : {"up", "down", "other"}) {
        fs::create_directories(folder / part / word);
        for (int voice = 0; voice < voices; ++voice) {
          const double low = 500 + 40 * voice, high = 1500 + 60 * voice, middle = 700 + 150 * voice;
          const auto samples = word == "up"     ? glide(low, high)
                               : word == "down" ? glide(high, low)
                                                : glide(middle, middle);
          folder.write(concat(part, word, voice), wav(samples));
        }
      }
    }
  }
  static std::string concat(const std::string& part, const std::string& word, int voice) {
    return part + "/" + word + "/" + std::to_string(voice) + ".wav";
  }
};

TEST_CASE("keyword learns to spot words, logs, goes on where it was, and says what it hears and when") {
  const Spoken spoken;
  const fs::path model = spoken.folder / "model";
  Words words{"train", "--data", spoken.folder.path().string(), "--save", model.string()};
  words.insert(words.end(),
               {"--resume", (spoken.folder / "run").string(), "--log", (spoken.folder / "log.csv").string()});
  std::istringstream usual("--copies 4 --epochs 12 --batch 4 --rate 0.01 --hours 0.02 --threads 1");
  for (std::string word; usual >> word;) words.push_back(word);
  const Result result = run(program, words);
  check_well(result);
  CHECK(mentions(result.out, "2 words; 24 scenes to learn from"));
  CHECK(mentions(result.out, "hours of noise"));
  REQUIRE(result.last_line().starts_with("spotted within 200 ms of their end: "));
  CHECK(std::stod(result.last_line().substr(36)) >= 0.6);
  CHECK(lines(read(spoken.folder / "log.csv")).size() == 13);
  const Result again = run(program, words);  // all epochs are done
  check_well(again);
  CHECK(again.last_line() == result.last_line());
  const Result evaluated = run(program, {"evaluate", "--model", model.string(), "--data", spoken.folder.path().string(),
                                         "--hours", "0.02", "--threads", "1"});
  check_well(evaluated);
  CHECK(evaluated.last_line() == result.last_line());

  std::vector<double> sound(rate);
  const auto up = glide(520, 1530);
  sound.insert(sound.end(), up.begin(), up.end());
  sound.resize(sound.size() + rate);
  const Result heard =
      run(program, {"listen", "--model", model.string(), spoken.folder.write("up.wav", wav(sound)).string()});
  check_well(heard);
  for (const std::string& line : lines(heard.out)) CHECK(shape(line) == "   d.dd s  " + line.substr(11));

  // Files that say what the model cannot be asked.
  const auto listen_to = [&](const std::string& from, const std::string& to, const Words& parts) {
    std::string bytes = read(model);
    const auto at = bytes.find(from);
    REQUIRE(at != std::string::npos);
    bytes.replace(at, from.size(), to);
    const fs::path other = spoken.folder.write("other", bytes);
    check_refused(run(program, {"listen", "--model", other.string(), (spoken.folder / "up.wav").string()}), parts);
  };
  listen_to(R"("rate":"8000")", R"("rate":"9000")", {"8000 Hz", "9000"});
  listen_to("scaler 1 16 ", "scaler 1 15 ", {"Scaler"});
}

TEST_CASE("keyword says what is wrong with its data in one line") {
  const Folder folder;
  const auto train = [&] {
    return run(program, {"train", "--data", folder.path().string(), "--save", (folder / "model").string()});
  };
  check_refused(train(), {"keyword: ", "train", "no such folder"});
  fs::create_directories(folder / "train" / "yes");
  check_refused(train(), {"keyword: ", "no words"});
  folder.write("train/yes/a.wav", "no sound");
  check_refused(train(), {"keyword: ", "a.wav", "cannot read"});
  fs::create_directories(folder / "valid" / "no");
  folder.write("train/yes/a.wav", wav(glide(500, 1000)));
  check_refused(train(), {"keyword: ", "valid/no", "a word that training does not have"});
  fs::remove_all(folder / "valid" / "no");
  folder.write("train/yes/b.wav", wav(std::vector<double>(1000)));
  check_refused(train(), {"keyword: ", "b.wav", "nothing to be heard"});
  folder.write("train/yes/b.wav", wav({}));
  check_refused(train(), {"keyword: ", "b.wav", "nothing to be heard"});
  check_refused(run(program, {"listen", "sound.wav", "--model", (folder / "none").string()}), {"keyword: ", "none"});
  CHECK(run(program, {"train", "--help"}).code == 0);
  CHECK_FALSE(fs::exists(folder / "model"));
}

}  // namespace keyword_test
