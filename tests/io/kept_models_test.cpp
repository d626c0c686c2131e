#include "kept_models.hpp"

#include <algorithm>
#include <set>

#include "support.hpp"

namespace {

using unroll::Index;

std::string take_until(std::string_view& text, char end) {
  const std::size_t size = std::min(text.find(end), text.size());
  std::string taken(text.substr(0, size));
  text.remove_prefix(std::min(size + 1, text.size()));
  return taken;
}
/// Lines of a text and numbers, all of them between tabs.
std::vector<std::pair<std::string, std::vector<double>>> read_outputs(const std::filesystem::path& path) {
  std::vector<std::pair<std::string, std::vector<double>>> lines;
  std::ifstream file(path, std::ios::binary);
  for (std::string line; std::getline(file, line);) {
    std::string_view rest = line;
    auto& [text, numbers] = lines.emplace_back(take_until(rest, '\t'), std::vector<double>{});
    while (!rest.empty()) numbers.push_back(std::stod(take_until(rest, '\t')));
  }
  return lines;
}
template <class Derived>
void check_outputs(const Eigen::MatrixBase<Derived>& y, const std::vector<double>& expected, double tolerance) {
  REQUIRE(y.size() == static_cast<Index>(expected.size()));
  for (Index k = 0; k < y.size(); ++k)
    CHECK(std::abs(double{y.derived().data()[k]} - expected[static_cast<std::size_t>(k)]) <= tolerance);
}
/// Of an encoding that stands beside the model.
std::vector<unroll::Tokenizer> known_tokenizers(const std::filesystem::path& model) {
  const auto merges = kept::with_ending(model, ".merges");
  if (!std::filesystem::exists(merges)) return {};
  return {unroll::load_byte_pairs(merges).tokenizer()};
}
template <class MakeModel> void check_text_model(const std::filesystem::path& path, const MakeModel& make_model) {
  const auto known = known_tokenizers(path);
  const auto [model, info] = unroll::load_model(make_model, path, known);
  CHECK(info.architecture == path.stem().string());
  CHECK(info.labels == std::vector<std::string>{"no", "yes"});
  CHECK(unroll::load_vocabulary(kept::with_ending(path, ".vocabulary"), known) == info.vocabulary);
  const auto encoder = unroll::Encoder::from_metadata(info.vocabulary.value(), info.extra, info.source);
  CHECK(encoder.options().length == 12);
  const auto lines = read_outputs(kept::with_ending(path, ".outputs"));
  CHECK(lines.size() == 3);
  for (const auto& [text, numbers] : lines) {
    CAPTURE(text);
    check_outputs(unroll::infer(model, encoder(text)), numbers, 1e-5);
  }
}
/// Loads every model file of a folder and compares with what was recorded. Returns the versions.
std::set<std::string> check_folder(const std::filesystem::path& folder) {
  std::set<std::string> versions;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const auto& path = entry.path();
    if (path.extension() != ".safetensors") continue;
    CAPTURE(path.string());
    const std::string stem = path.stem().string(), version = stem.substr(0, stem.find('-')),
                      name = stem.substr(stem.find('-') + 1);
    versions.insert(version);
    CHECK(unroll::read_model_info(path, known_tokenizers(path)).library_version == version);
    if (name == "words") {
      check_text_model(path, kept::make_words);
    } else if (name == "characters") {
      check_text_model(path, kept::make_characters);
    } else if (name == "byte_pairs") {
      check_text_model(path, kept::make_byte_pairs);
      const auto pairs = unroll::load_byte_pairs(kept::with_ending(path, ".merges"));
      CHECK(unroll::read_model_info(path, {pairs.tokenizer()}).vocabulary == pairs.vocabulary());
    } else {
      REQUIRE(name == "values");
      const auto [model, info] = unroll::load_model(kept::make_values, path);
      CHECK_FALSE(info.vocabulary.has_value());
      const auto lines = read_outputs(kept::with_ending(path, ".outputs"));
      REQUIRE(lines.size() == 1);
      check_outputs(unroll::infer(model, kept::input()), lines[0].second, 1e-12);
    }
  }
  return versions;
}

}  // namespace

TEST_CASE("files of every released version are loaded and give what they gave then") {
  CHECK(check_folder(std::filesystem::path(UNROLL_TEST_DATA) / "files").contains("0.1.0"));
}

TEST_CASE("this version's files are as those that are kept") {
  const TemporaryFolder folder;
  kept::write_all(folder.path());
  CHECK(check_folder(folder.path()) == std::set<std::string>{UNROLL_VERSION_STRING});
}
