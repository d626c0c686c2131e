// Snippets of docs/guide.md: texts.
#include <fstream>
#include <iostream>

#include <unroll/data/contiguous_batches.hpp>
#include <unroll/data/encode.hpp>
#include <unroll/text/byte_pair_file.hpp>
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

  begin("subwords");
  // region subwords
  const std::vector<std::string> river{"the slow lowlands, the lower lowlands", "a low, slow river flows slowly"};
  const auto subwords = BytePairEncoding::learn(river, {.max_size = BytePairEncoding::first_merge + 12});
  for (const std::int32_t id : subwords.encode("the lowest flow")) std::cout << '[' << subwords.token(id) << "] ";
  std::cout << '\n' << subwords.decode(subwords.encode("déjà vu 🌊")) << '\n';
  // endregion

  begin("subword_streams");
  // region subword_streams
  std::vector<std::int32_t> all;
  for (const std::vector<std::int32_t>& ids : subwords.encode(river)) {
    all.insert(all.end(), ids.begin(), ids.end());
    all.push_back(BytePairEncoding::eos);
  }
  const TokenStreams windows(all, {.streams = 2, .window = 5});
  // endregion
  std::cout << windows.count() << '\n';

  begin("subword_files");
  // region subword_files
  save_byte_pairs("river.merges", subwords);
  const BytePairEncoding loaded = load_byte_pairs("river.merges");
  const Vocabulary same_ids = loaded.vocabulary();  // for Encoder, encode and save
  save_vocabulary("river.txt", same_ids);
  std::cout << (load_vocabulary("river.txt", {loaded.tokenizer()}).encode(river[0]) == subwords.encode(river[0]))
            << '\n';
  // endregion
}
