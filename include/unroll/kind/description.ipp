// Bodies of kind/description.hpp.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include <unroll/core/error.hpp>
#include <unroll/kind/description.hpp>

namespace unroll::inline UNROLL_ABI {

UNROLL_FUNCTION void Description::vector(std::string_view name, Index n, Need need) {
  tensors.push_back({name, TensorRank::vector, n, 1, need});
}
UNROLL_FUNCTION void Description::matrix(std::string_view name, Index rows, Index cols, Need need) {
  tensors.push_back({name, TensorRank::matrix, rows, cols, need});
}
UNROLL_FUNCTION void Description::table(std::string_view name, Index rows, Index cols) {
  tensors.push_back({name, TensorRank::table, rows, cols, Need::required});
}
UNROLL_FUNCTION void Description::flag(std::string_view name) { options.push_back({name, false}); }
UNROLL_FUNCTION void Description::number(std::string_view name, double usual, double low, double high, Need need) {
  options.push_back({name, usual, low, high, {}, need});
}
UNROLL_FUNCTION void Description::word(std::string_view name, std::span<const std::string_view> words) {
  options.push_back({name, std::string(words.front()), 0, 0, words, Need::required});
}
UNROLL_FUNCTION void Description::part(std::string_view name) { parts.push_back(name); }

namespace detail {
UNROLL_FUNCTION std::string words_of(const OptionForm& form) {
  std::string text;
  for (std::size_t k = 0; k < form.words.size(); ++k)
    text += concat_text(k == 0 ? "" : k + 1 < form.words.size() ? ", " : " or ", form.words[k]);
  return text;
}
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
