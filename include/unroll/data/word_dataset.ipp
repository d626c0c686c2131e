// Bodies of data/word_dataset.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>

#include <unroll/core/error.hpp>
#include <unroll/data/word_dataset.hpp>

namespace unroll::inline UNROLL_ABI {

UNROLL_FUNCTION WordDataset::WordDataset(const WordEncoding& encoding,
                                         std::span<const std::vector<std::string>> sentences, Targets targets) {
  std::vector<std::vector<std::int32_t>> words, characters;
  for (const auto& sentence : sentences) {
    words.push_back(encoding.word_ids(sentence));
    characters.push_back(encoding.character_ids(sentence));
  }
  words_ = TokenDataset(words, std::move(targets));
  characters_ = TokenDataset(characters);
}

UNROLL_FUNCTION void WordDataset::fill(std::span<const Index> rows, Batch& batch) const {
  words_.fill(rows, std::get<0>(batch.all));
  characters_.fill(rows, std::get<1>(batch.all));
}
UNROLL_FUNCTION WordDataset WordDataset::select(std::span<const Index> rows) const {
  WordDataset some;
  some.words_ = words_.select(rows);
  some.characters_ = characters_.select(rows);
  return some;
}

UNROLL_FUNCTION WordDataset encode_words(const WordEncoding& encoding, const TaggedSentences& sentences,
                                         const std::vector<std::string>& tag_names) {
  require(sentences.words.size() == sentences.tags.size(), "encode_words: ", sentences.words.size(), " sentences and ",
          sentences.tags.size(), " of tags, expected as many");
  std::vector<std::vector<Index>> labels(sentences.size());
  for (std::size_t k = 0; k < labels.size(); ++k) {
    const auto& tags = sentences.tags[k];
    require(tags.size() == sentences.words[k].size(), "encode_words: sentence ", k, " has ", sentences.words[k].size(),
            " words and ", tags.size(), " tags");
    for (const std::string& tag : tags) {
      const auto found = std::ranges::find(tag_names, tag);
      require(found != tag_names.end(), "encode_words: word ", labels[k].size(), " of sentence ", k, " has the tag '",
              tag, "', which is none of the ", tag_names.size(), " names");
      labels[k].push_back(found - tag_names.begin());
    }
  }
  return WordDataset(encoding, sentences.words, Targets(labels, tag_names));
}

}  // namespace unroll::inline UNROLL_ABI
