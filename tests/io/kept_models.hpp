// Models whose files are kept for ever in tests/data/files, one set a release: keep_models.cpp writes a set,
// kept_models_test.cpp reads them all. What is here may grow; a model that a kept file names stays as it is.
#pragma once

#include <cmath>
#include <fstream>
#include <string>
#include <vector>

#include <unroll/cell/gru.hpp>
#include <unroll/cell/gru_reset_before.hpp>
#include <unroll/cell/lstm.hpp>
#include <unroll/cell/rnn.hpp>
#include <unroll/data/encode.hpp>
#include <unroll/io/model_file.hpp>
#include <unroll/layer/bidirectional.hpp>
#include <unroll/layer/dense.hpp>
#include <unroll/layer/dropout.hpp>
#include <unroll/layer/embedding.hpp>
#include <unroll/layer/final_state.hpp>
#include <unroll/layer/recurrent.hpp>
#include <unroll/layer/stack.hpp>
#include <unroll/text/byte_pair_file.hpp>
#include <unroll/text/vocabulary_file.hpp>
#include <unroll/train/predict.hpp>

namespace kept {

using unroll::Index, unroll::Matrix, unroll::ModelInfo;

inline auto make_words(const ModelInfo& file) {
  return unroll::Sequential{unroll::Embedding{file.vocabulary_size(), 3},
                            unroll::FinalState{unroll::Recurrent{unroll::Lstm{3, 4}}}, unroll::Dense{4, 2}};
}
inline auto make_characters(const ModelInfo& file) {
  return unroll::Sequential{
      unroll::Embedding{file.vocabulary_size(), 3},
      unroll::FinalState{unroll::Stack{unroll::Bidirectional{unroll::Gru{3, 4}}, unroll::Dropout{0.5},
                                       unroll::Bidirectional{unroll::Gru{8, 4}}}},
      unroll::Dense{8, 1}};
}
inline auto make_values(const ModelInfo&) {
  return unroll::Sequential{
      unroll::Recurrent{unroll::Rnn<double>{2, 5}, {.bias = unroll::Bias::single, .learned_initial_state = true}},
      unroll::Recurrent{unroll::GruResetBefore<double>{5, 4}}, unroll::Dense<double>{4, 1}};
}
/// Came after 0.1.0, the version that its first file still names.
inline auto make_byte_pairs(const ModelInfo& file) {
  return unroll::Sequential{unroll::Embedding{file.vocabulary_size(), 3},
                            unroll::FinalState{unroll::Recurrent{unroll::Gru{3, 4}}}, unroll::Dense{4, 2}};
}
/// What the model of values is asked.
inline Matrix<double> input() {
  Matrix<double> x(2, 6);
  for (Index k = 0; k < x.size(); ++k) x.data()[k] = static_cast<double>(k % 5) - 1.75;
  return x;
}

inline std::filesystem::path with_ending(const std::filesystem::path& model, const char* ending) {
  return std::filesystem::path(model).replace_extension(ending);
}
template <class M> void set_parameters(M& model) {
  unroll::visit(
      [k = 0](const unroll::Path&, auto& p) mutable {
        using T = typename std::remove_cvref_t<decltype(p)>::Scalar;
        for (Index i = 0; i < p.size(); ++i) p.data()[i] = static_cast<T>(0.75 * std::sin(++k));
      },
      model);
}
template <class Derived>
void record(std::ofstream& file, const std::string& text, const Eigen::MatrixBase<Derived>& y) {
  file.precision(17);
  file << text;
  for (Index k = 0; k < y.size(); ++k) file << '\t' << y.derived().data()[k];
  file << '\n';
}

/// A model file; its vocabulary as a file; and lines of a text and what the model gives for it.
template <class MakeModel>
void write_text_model(const std::filesystem::path& path, const MakeModel& make_model,
                      const unroll::Vocabulary& vocabulary, const std::vector<std::string>& texts) {
  ModelInfo info;
  info.vocabulary = vocabulary;
  auto model = make_model(info);
  set_parameters(model);
  const unroll::Encoder encoder(vocabulary, {.length = 12});
  unroll::save(path, model, vocabulary,
               {.architecture = path.stem().string(), .labels = {"no", "yes"}, .extra = encoder.metadata()});
  unroll::save_vocabulary(with_ending(path, ".vocabulary"), vocabulary);
  std::ofstream outputs(with_ending(path, ".outputs"), std::ios::binary);
  for (const std::string& text : texts) record(outputs, text, unroll::infer(model, encoder(text)));
}
inline void write_all(const std::filesystem::path& folder) {
  const auto path = [&](const char* name) { return folder / (UNROLL_VERSION_STRING "-" + std::string(name)); };
  write_text_model(
      path("words.safetensors"), make_words,
      unroll::Vocabulary::from_tokens({"<PAD>", "<OOV>", "the", "film", "dull", "was", "not"}),
      {"", "The film was not dull!", "A <b>dull</b> one, the film was; was it not? The film ... the film"});
  write_text_model(path("characters.safetensors"), make_characters,
                   unroll::Vocabulary::from_tokens({"<PAD>", "<OOV>", " ", "a", "\xC3\xA9", "\\", "\n", "\""},
                                                   unroll::CharacterTokenizer{}),
                   {"a", "a\xC3\xA9 \\ \"a\"", "\xC3\xA9\xC3\xA9x"});
  const auto pairs = unroll::BytePairEncoding::learn(
      {"the river ran by the mill", "the miller ran to the river", "caf\xC3\xA9 by the caf\xC3\xA9"},
      {.max_size = 280});
  unroll::save_byte_pairs(path("byte_pairs.merges"), pairs);
  write_text_model(path("byte_pairs.safetensors"), make_byte_pairs, pairs.vocabulary(),
                   {"the mill by the river", " a  new caf\xC3\xA9!", "\xE2\x82\xAC \xFF"});
  auto model = make_values({});
  set_parameters(model);
  unroll::SaveOptions options;
  options.test_input.values = input();
  unroll::save(path("values.safetensors"), model, options);
  std::ofstream outputs(path("values.outputs"), std::ios::binary);
  record(outputs, "", unroll::infer(model, input()));
}

}  // namespace kept
