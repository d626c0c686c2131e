// Bodies of text/text_encoding.hpp.
#pragma once

#include <unroll/core/error.hpp>
#include <unroll/text/text_encoding.hpp>
#include <unroll/text/vocabulary_file.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
inline constexpr std::string_view bos_token = "<BOS>", eos_token = "<EOS>";
inline bool has_marks(const Vocabulary& words) {
  return words.size() > TextEncoding::eos && words.token(TextEncoding::bos) == bos_token &&
         words.token(TextEncoding::eos) == eos_token;
}
}  // namespace detail

UNROLL_FUNCTION Vocabulary with_marks(const Vocabulary& vocabulary) {
  std::vector<std::string> tokens = vocabulary.tokens();
  for (const std::string_view mark : {detail::bos_token, detail::eos_token})
    require(!vocabulary.contains(mark), "with_marks: the vocabulary has the token ", mark);
  tokens.insert(tokens.begin() + TextEncoding::bos, {std::string(detail::bos_token), std::string(detail::eos_token)});
  return Vocabulary::from_tokens(tokens, vocabulary.tokenizer(), "with_marks", vocabulary.unknown());
}

UNROLL_FUNCTION TextEncoding::TextEncoding() : of_(with_marks(Vocabulary())) {}
UNROLL_FUNCTION TextEncoding::TextEncoding(Vocabulary vocabulary) : of_(std::move(vocabulary)) {
  require(
      detail::has_marks(std::get<Vocabulary>(of_)),
      "TextEncoding: the tokens 2 and 3 of the vocabulary are not <BOS> and <EOS>: with_marks(vocabulary) has them");
}

UNROLL_FUNCTION Index TextEncoding::size() const {
  return std::visit([](const auto& of) { return of.size(); }, of_);
}
UNROLL_FUNCTION std::vector<std::int32_t> TextEncoding::encode(std::string_view text) const {
  std::vector<std::int32_t> ids = std::visit([&](const auto& of) { return of.encode(text); }, of_);
  for (std::int32_t& id : ids)
    if (id == bos || id == eos) id = Vocabulary::oov;
  return ids;
}
UNROLL_FUNCTION std::string TextEncoding::decode(std::span<const std::int32_t> ids) const {
  std::vector<std::int32_t> words;
  for (const std::int32_t id : ids)
    if (id != bos && id != eos) words.push_back(id);
  return std::visit([&](const auto& of) { return of.decode(words); }, of_);
}
UNROLL_FUNCTION std::string_view TextEncoding::token(std::int32_t id) const {
  return std::visit([&](const auto& of) { return of.token(id); }, of_);
}

UNROLL_FUNCTION std::string TextEncoding::text() const {
  const auto* const words = std::get_if<Vocabulary>(&of_);
  return words != nullptr ? vocabulary_text(*words) : std::get<BytePairEncoding>(of_).text();
}
UNROLL_FUNCTION TextEncoding TextEncoding::from_text(std::string_view text, std::string_view source,
                                                     const std::vector<Tokenizer>& known) {
  if (!text.starts_with("unroll-vocabulary")) return BytePairEncoding::from_text(text, source);
  Vocabulary words = vocabulary_from_text(text, source, known);
  require<FormatError>(detail::has_marks(words), source, ": the tokens 2 and 3 are not <BOS> and <EOS>");
  return TextEncoding(std::move(words));
}

}  // namespace unroll::inline UNROLL_ABI
