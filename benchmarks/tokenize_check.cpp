// The article's preprocessing of the IMDB reviews: digests that must equal those of peers/article_tokenizer.py, and how
// long it takes.
//
//   tokenize_check train.tsv test.tsv     (label<TAB>text, unpacked)
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <string_view>
#include <vector>

#include <unroll/data/readers.hpp>
#include <unroll/text/vocabulary.hpp>

namespace {

/// FNV-1a of 64 bits over whole integers instead of bytes, as the Python side has it.
struct Digest {
  std::uint64_t value = 0xCBF29CE484222325u;
  void add(std::uint64_t unit) { value = (value ^ unit) * 0x100000001B3u; }
};

void print_ids(const char* name, const std::vector<std::vector<std::int32_t>>& encoded) {
  Digest digest;
  std::size_t total = 0;
  for (const auto& ids : encoded) {
    digest.add(ids.size());
    for (const std::int32_t id : ids) digest.add(static_cast<std::uint64_t>(id));
    total += ids.size();
  }
  std::printf("%s %zu texts %zu ids %016llx\n", name, encoded.size(), total,
              static_cast<unsigned long long>(digest.value));
}

void run(const char* train_path, const char* test_path) {
  const auto train = unroll::read_labelled_text(train_path);
  const auto test = unroll::read_labelled_text(test_path);

  const auto start = std::chrono::steady_clock::now();
  const auto [vocabulary, encoded] = unroll::Vocabulary::build_and_encode(train.texts, {.max_size = 20'000});
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;

  Digest tokens;
  for (std::int32_t id = 0; id < vocabulary.size(); ++id) {
    const std::string_view token = vocabulary.token(id);
    tokens.add(token.size());
    for (const char c : token) tokens.add(static_cast<unsigned char>(c));
  }
  std::printf("vocabulary %td tokens %016llx\n", vocabulary.size(), static_cast<unsigned long long>(tokens.value));
  print_ids("train", encoded);
  print_ids("test", vocabulary.encode(test.texts));
  std::fprintf(stderr, "tokenize + vocabulary + encode of train: %.3f s\n", seconds.count());
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) {
    std::fprintf(stderr, "usage: %s train.tsv test.tsv\n", arguments[0]);
    return 2;
  }
  try {
    run(arguments[1], arguments[2]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
