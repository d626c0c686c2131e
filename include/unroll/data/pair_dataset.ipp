// Bodies of data/pair_dataset.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>

#include <unroll/core/error.hpp>
#include <unroll/data/pair_dataset.hpp>

namespace unroll::inline UNROLL_ABI {

UNROLL_FUNCTION std::vector<std::int32_t> source_of_pair(std::span<const std::int32_t> ids,
                                                         const PairOptions& options) {
  std::vector<std::int32_t> source(ids.begin(), ids.end());
  if (options.reverse_source) std::ranges::reverse(source);
  if (options.source_end) source.push_back(options.end);
  return source;
}

UNROLL_FUNCTION PairDataset::PairDataset(const std::vector<std::vector<std::int32_t>>& sources,
                                         const std::vector<std::vector<std::int32_t>>& targets,
                                         const PairOptions& options)
    : options_(options) {
  require(sources.size() == targets.size(), "PairDataset: ", sources.size(), " sources and ", targets.size(),
          " targets, expected as many");
  require(options.begin >= 0 && options.end >= 0 && options.begin != options.end, "PairDataset: begin is ",
          options.begin, " and end ", options.end, ", expected two ids");
  const auto check = [&](std::size_t k, const char* side, const std::vector<std::int32_t>& ids) {
    require(!ids.empty(), "PairDataset: pair ", k, " has a ", side, " without a token");
    for (const std::int32_t id : ids)
      require(id != options.begin && id != options.end, "PairDataset: pair ", k, " has a ", side, " with token ", id,
              ", which marks its ", id == options.begin ? "begin" : "end");
  };
  std::vector<std::vector<std::int32_t>> read, said;
  std::vector<std::vector<Index>> labels;
  for (std::size_t k = 0; k < sources.size(); ++k) {
    check(k, "source", sources[k]);
    check(k, "target", targets[k]);
    read.push_back(source_of_pair(sources[k], options));
    said.push_back({options.begin});
    said.back().insert(said.back().end(), targets[k].begin(), targets[k].end());
    labels.emplace_back(targets[k].begin(), targets[k].end()).push_back(options.end);
  }
  sources_ = TokenDataset(read);
  inputs_ = TokenDataset(said, Targets(labels));
}

UNROLL_FUNCTION void PairDataset::fill(std::span<const Index> rows, Batch& batch) const {
  sources_.fill(rows, std::get<0>(batch.all));
  inputs_.fill(rows, std::get<1>(batch.all));
}
UNROLL_FUNCTION PairDataset PairDataset::select(std::span<const Index> rows) const {
  PairDataset some;
  some.options_ = options_;
  some.sources_ = sources_.select(rows);
  some.inputs_ = inputs_.select(rows);
  return some;
}

UNROLL_FUNCTION PairDataset encode_pairs(const TextEncoding& source, const TextEncoding& target,
                                         std::span<const std::string> sources, std::span<const std::string> targets,
                                         const PairOptions& options) {
  const auto encode = [](const TextEncoding& language, std::span<const std::string> texts) {
    std::vector<std::vector<std::int32_t>> all;
    for (const std::string& text : texts) all.push_back(language.encode(text));
    return all;
  };
  return PairDataset(encode(source, sources), encode(target, targets), options);
}

}  // namespace unroll::inline UNROLL_ABI
