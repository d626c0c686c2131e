// Snippets of docs/guide.md: texts.
#include <fstream>
#include <iostream>

#include <unroll/data/encode.hpp>
#include <unroll/text/vocabulary_file.hpp>

using namespace unroll;

namespace {
void begin(const char* region) { std::cout << "// endregion\n// region " << region << '\n'; }
template <class Strings> void print(const Strings& strings) {
  for (const auto& s : strings) std::cout << '[' << s << "] ";
  std::cout << '\n';
}

// region own_tokenizer
/// A token for each line.
struct Lines {
  static constexpr std::string_view name = "lines";
  void operator()(std::string_view text, const auto& on_token) const {
    while (!text.empty()) {
      const std::size_t size = std::min(text.find('\n'), text.size());
      if (size > 0) on_token(text.substr(0, size));
      text.remove_prefix(std::min(size + 1, text.size()));
    }
  }
};
// endregion
}  // namespace

int main() {
  begin("tokenizers");
  // region tokenizers
  const std::string text = "Größe 10! Don't ПЛАЧЬ 映画";
  for (const Tokenizer& tokenizer :
       {Tokenizer(WordTokenizer{}), Tokenizer(UnicodeWordTokenizer{}), Tokenizer(WhitespaceTokenizer{})})
    print(tokenizer.tokenize(text));
  // endregion

  begin("load_own");
  // region load_own
  save_vocabulary("lines.txt", Vocabulary::build({"to be\nor not\nto be"}, {.tokenizer = Lines{}}));
  const Vocabulary lines = load_vocabulary("lines.txt", {Lines{}});  // so do load, load_model, read_model_info
  print(lines.tokens());
  // endregion

  begin("unknown");
  // region unknown
  const Vocabulary bank =
      Vocabulary::build({"the <unk> said N"}, {.tokenizer = WhitespaceTokenizer{}, .unknown = "<unk>"});
  std::cout << bank.id("<unk>") << ' ' << bank.id("never seen") << '\n';
  // endregion

  std::ofstream("stars.csv") << "id,review,stars\n1,\"Good, really\",5\n2,\"two\nlines\",1\n\n";
  begin("csv");
  // region csv
  const LabelledTexts reviews = read_labelled_text(
      "stars.csv", {.format = TextFormat::csv, .skip_empty_lines = true, .label = "stars", .text = "review"});
  print(reviews.texts);
  // endregion

  begin("report");
  // region report
  const Vocabulary words = Vocabulary::build(reviews.texts);
  const TokenDataset data = encode(words, {{"a good film", "!", "really dull"}, {1, 0, 0}, {"1", "5"}});
  const EncodeReport report = encode_report(data);
  std::cout << report.unknown << " of " << report.tokens << " tokens are unknown, " << report.empty << " of "
            << report.texts << " texts empty\n";
  // endregion
}
