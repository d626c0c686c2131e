// Texts as ids and back by words or byte pairs, and both as text.
#include <doctest/doctest.h>

#include <unroll/text/text_encoding.hpp>

#include "../support/message_of.hpp"

namespace text_encoding_test {

using namespace unroll;
using Ids = std::vector<std::int32_t>;

const std::vector<std::string> texts{"two dogs run", "two men", "two dogs"};
TextEncoding words() {
  return with_marks(Vocabulary::build(texts, {.tokenizer = WhitespaceTokenizer{}, .unknown = "<unk>"}));
}

TEST_CASE("an encoding of words has its marks behind padding and unknown, and leaves them out of texts") {
  const TextEncoding of = words();
  CHECK(of.size() == 8);
  CHECK(of.token(2) == "<BOS>");
  CHECK(of.token(3) == "<EOS>");
  CHECK(of.encode("two dogs") == Ids{4, 5});
  CHECK(of.encode("two <EOS> <BOS> cats") == Ids{4, 1, 1, 1});
  CHECK(of.decode(Ids{2, 4, 1, 6, 3, 0}) == "two <unk> run");
}

TEST_CASE("an encoding of byte pairs gives texts back as they were") {
  const TextEncoding of = BytePairEncoding::learn(texts);
  CHECK(of.size() > 260);
  Ids ids = of.encode("two d\xC3\xB6gs  run");
  ids.insert(ids.begin(), TextEncoding::bos);
  ids.push_back(TextEncoding::eos);
  CHECK(of.decode(ids) == "two d\xC3\xB6gs  run");
}

TEST_CASE("an encoding is text, and comes back of it") {
  for (const TextEncoding& of : {words(), TextEncoding(BytePairEncoding::learn(texts)), TextEncoding()})
    CHECK(TextEncoding::from_text(of.text(), "here") == of);
  const auto refused = [](std::string_view text) {
    return message_of<FormatError>([&] { TextEncoding::from_text(text, "here"); });
  };
  CHECK(refused("unroll-vocabulary 1 whitespace 3\n<PAD>\n<OOV>\na\n") ==
        "here: the tokens 2 and 3 are not <BOS> and <EOS>");
  CHECK(refused("words").starts_with("here"));
  CHECK(refused("").starts_with("here"));
}

TEST_CASE("a vocabulary without marks is no encoding, and one with a mark gets no others") {
  const Vocabulary plain = Vocabulary::from_tokens({"<PAD>", "<OOV>", "a", "<EOS>"}, WhitespaceTokenizer{});
  CHECK(message_of([&] { TextEncoding{plain}; }).starts_with("TextEncoding: the tokens 2 and 3"));
  CHECK(message_of([&] { with_marks(plain); }) == "with_marks: the vocabulary has the token <EOS>");
}

}  // namespace text_encoding_test
