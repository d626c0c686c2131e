// Prints the bits that training and streaming give at each level of this processor: the same header-only, with the
// static and with the shared compiled part (same compiler, same flags). Header-only the stream has fixed sizes, whose
// bits are those of run-time sizes, which take a minute to compile.
#include <bit>
#include <cstdint>
#include <cstdio>
#include <string_view>
#include <vector>

#include <unroll/unroll.hpp>
#if UNROLL_HEADER_ONLY
#include <unroll/stream/dense.hpp>
#include <unroll/stream/recurrent.hpp>
#include <unroll/stream/stream.hpp>
#else
#include <unroll/network/model.hpp>
#include <unroll/stream/any_model.hpp>
#endif

using namespace unroll;

namespace {

std::uint64_t hash = 0;
void add(const float* x, Index n) {
  for (Index k = 0; k < n; ++k) hash = (hash ^ std::bit_cast<std::uint32_t>(x[k])) * 0x100000001B3U;
}
void print(SimdLevel level, const char* what) {
  const std::string_view of = name(level);
  std::printf("%.*s %s %016llx\n", static_cast<int>(of.size()), of.data(), what, static_cast<unsigned long long>(hash));
  hash = 0;
}

/// Made-up reviews: 12 sequences of 1 to 23 words, two classes.
TokenDataset reviews() {
  std::vector<std::vector<std::int32_t>> ids;
  std::vector<int> labels;
  Rng rng(1);
  for (int k = 0; k < 12; ++k) {
    std::vector<std::int32_t> words(1 + 2 * static_cast<std::size_t>(k));
    for (auto& word : words) word = static_cast<std::int32_t>(rng.below(30));
    ids.push_back(std::move(words));
    labels.push_back(k % 2);
  }
  return TokenDataset(ids, labels);
}

}  // namespace

int main() {
  const TokenDataset data = reviews();
  for (const SimdLevel level : {SimdLevel::baseline, SimdLevel::avx2, SimdLevel::avx512}) {
    if (!has_simd_level(level)) continue;
    set_simd_level(level);

    Sequential model{Embedding{30, 19}, Bidirectional{Lstm{19, 18}, {.recurrent_dropout = 0.1}},
                     FinalState{Recurrent{Gru{36, 21}}}, Dropout{0.1}, Dense{21, 2}};
    initialize(model, Rng{1});
    fit(model, CrossEntropy{}, Adam{.rate = 1e-2}, data, {.epochs = 2, .batch_size = 5, .seed = 1, .clip_norm = 1});
    visit([](const Path&, const auto& p) { add(p.data(), p.size()); }, model);
    print(level, "training");

    Sequential amp{Recurrent{Lstm{1, 9}}, Dense{9, 1}};
    initialize(amp, Rng{2});
#if UNROLL_HEADER_ONLY
    stream::Stream<stream::Sequential<stream::Recurrent<Lstm<>, 1, 9>, stream::Dense<9, 1>>> stream;
    stream.assign(amp);
#else
    stream::AnyModel stream(network_of(amp));
#endif
    std::vector<float> x(100), y(100);
    for (std::size_t t = 0; t < x.size(); ++t) x[t] = 0.01F * static_cast<float>(t % 37);
    stream.process(x, y);
    add(y.data(), 100);
    print(level, "stream");
  }
}
