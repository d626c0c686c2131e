#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <doctest/doctest.h>

#include <unroll/text/vocabulary_file.hpp>

#include "../data/folder.hpp"

using unroll::Vocabulary;

namespace {

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// What loading a file with these bytes says, from behind the folder's name on.
std::string complaint(const std::string& bytes) {
  const Folder folder;
  const auto path = folder.write("file.txt", bytes);
  try {
    static_cast<void>(unroll::load_vocabulary(path));
  } catch (const unroll::FormatError& error) {
    return std::string(error.what()).substr(folder.path.string().size() + 1);
  }
  return "none";
}

}  // namespace

TEST_CASE("a vocabulary is the same after saving and loading, with its tokenizer") {
  const Folder folder;
  const auto path = folder.path / "words.txt";
  for (const unroll::Tokenizer& tokenizer :
       {unroll::Tokenizer(unroll::WordTokenizer{}), unroll::Tokenizer(unroll::WhitespaceTokenizer{}),
        unroll::Tokenizer(unroll::CharacterTokenizer{}), unroll::Tokenizer(unroll::UnicodeWordTokenizer{})}) {
    const std::string text("A fine film,\r\n caf\xC3\xA9 \\n\\ \t\xC2\x85 \xFF and\0one\n", 38);
    const Vocabulary vocabulary = Vocabulary::build({text}, {.tokenizer = tokenizer});
    unroll::save_vocabulary(path, vocabulary);
    const Vocabulary loaded = unroll::load_vocabulary(path);
    CHECK(loaded == vocabulary);
    CHECK(loaded.tokenizer() == tokenizer);
    CHECK(loaded.encode(text) == vocabulary.encode(text));
  }
}

TEST_CASE("the file is a header line and a token a line") {
  const Folder folder;
  unroll::save_vocabulary(folder.path / "words.txt", Vocabulary::build({"a fine film"}));
  CHECK(read(folder.path / "words.txt") == "unroll-vocabulary 1 article 5\n<PAD>\n<OOV>\na\nfine\nfilm\n");
  unroll::save_vocabulary(
      folder.path / "characters.txt",
      Vocabulary::build({std::string_view("\n\r\\\0", 4)}, {.tokenizer = unroll::CharacterTokenizer{}}));
  CHECK(read(folder.path / "characters.txt") ==
        "unroll-vocabulary 1 characters 6\n<PAD>\n<OOV>\n\\n\n\\r\n\\\\\n\\0\n");
}

TEST_CASE("a file that went through an editor with CRLF lines or without the last line feed is read") {
  CHECK(complaint("unroll-vocabulary 1 article 3\r\n<PAD>\r\n<OOV>\r\na\r\n") == "none");
  CHECK(complaint("unroll-vocabulary 1 article 3\n<PAD>\n<OOV>\na") == "none");
}

TEST_CASE("a file that is no vocabulary is refused with its name and the place") {
  CHECK(complaint("") == "file.txt: is empty");
  CHECK(complaint("the\na\n") == "file.txt:1: not a vocabulary: expected 'unroll-vocabulary ...'");
  CHECK(complaint("unroll-vocabulary 2 article 2\n<PAD>\n<OOV>\n") == "file.txt:1: format version '2', expected 1");
  CHECK(
      complaint("unroll-vocabulary 1 words 2\n<PAD>\n<OOV>\n") ==
      "file.txt:1: tokenizer 'words', expected article, unicode-words, whitespace, characters or one that is passed to "
      "what loads, as its last argument");
  CHECK(complaint("unroll-vocabulary 1 article x\n<PAD>\n<OOV>\n") == "file.txt:1: number of tokens 'x'");
  CHECK(complaint("unroll-vocabulary 1 article 4\n<PAD>\n<OOV>\na\n") == "file.txt: 3 tokens, expected 4");
  CHECK(complaint("unroll-vocabulary 1 article 4\n<PAD>\n<OOV>\na\na\n") ==
        "file.txt: token 3 is 'a', which is token 2 already");
  CHECK(complaint("unroll-vocabulary 1 article 3\n<PAD>\n<OOV>\n\n") == "file.txt: token 2 is empty");
  CHECK(complaint("unroll-vocabulary 1 article 3\n<PAD>\n<OOV>\na\\x\n") ==
        "file.txt:4: expected \\n, \\r, \\0 or \\\\ where there is a \\");
  CHECK(complaint("unroll-vocabulary 1 article 3\n<PAD>\n<OOV>\na\\\n") ==
        "file.txt:4: expected \\n, \\r, \\0 or \\\\ where there is a \\");
  CHECK_THROWS_AS(unroll::load_vocabulary("no/such/file"), unroll::FormatError);
}

TEST_CASE("a file that cannot be written is an error with the reason and leaves nothing behind") {
  const Folder folder;
  const auto refused = [&](const std::filesystem::path& path, const std::string& reason) {
    try {
      unroll::save_vocabulary(path, Vocabulary{});
      FAIL("written");
    } catch (const unroll::FormatError& error) {
      const std::string message = error.what();
      CAPTURE(message);
      CHECK(message.starts_with(path.string() + ": "));
      CHECK(message.find(reason) != std::string::npos);
    }
  };
  std::filesystem::create_directories(folder.path / "taken" / "by a folder");
  refused(folder.path / "taken", "folder");
  refused(folder.path / "missing" / "words.txt", "No such file");
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path), {}) == 1);
}

TEST_CASE("saving follows no link beside the file, keeps permissions and leaves a link one") {
  const Folder folder;
  const auto path = folder.path / "words.txt";
  const auto elsewhere = folder.write("precious", "keep me");
  for (const char* beside : {"words.txt.partial", "words.txt.tmp"})
    std::filesystem::create_symlink(elsewhere, folder.path / beside);
  unroll::save_vocabulary(path, Vocabulary::build({"old"}));
  using enum std::filesystem::perms;
  std::filesystem::permissions(path, owner_read | owner_write);
  std::filesystem::create_symlink("words.txt", folder.path / "link");
  unroll::save_vocabulary(folder.path / "link", Vocabulary::build({"a fine film"}));
  CHECK(read(elsewhere) == "keep me");
  CHECK(std::filesystem::is_symlink(folder.path / "link"));
  CHECK(std::filesystem::status(path).permissions() == (owner_read | owner_write));
  CHECK(unroll::load_vocabulary(path).size() == 5);
}

TEST_CASE("a vocabulary with a tokenizer of the user's own finds it again by its name") {
  const Folder folder;
  const auto path = folder.path / "lines.txt";
  const unroll::Tokenizer whole("whole", [](std::string_view text, const auto& on_token) { on_token(text); });
  const Vocabulary vocabulary = Vocabulary::build({"a fine film", "dull"}, {.tokenizer = whole});
  unroll::save_vocabulary(path, vocabulary);
  CHECK(unroll::load_vocabulary(path, {whole}) == vocabulary);
  CHECK(unroll::load_vocabulary(path, {whole}).encode("dull") == std::vector<std::int32_t>{3});
  CHECK_THROWS_WITH_AS(unroll::load_vocabulary(path), doctest::Contains("lines.txt:1: tokenizer 'whole', expected"),
                       unroll::FormatError);
}

TEST_CASE("the file says what stands for unknown tokens if that is not <OOV>") {
  const Folder folder;
  const auto path = folder.path / "words.txt";
  for (const auto& [tokenizer, unknown] :
       {std::pair<unroll::Tokenizer, std::string>{unroll::WhitespaceTokenizer{}, "<unk>"},
        {unroll::CharacterTokenizer{}, " "},
        {unroll::CharacterTokenizer{}, "\n"}}) {
    const Vocabulary vocabulary = Vocabulary::build({"a b <unk>"}, {.tokenizer = tokenizer, .unknown = unknown});
    unroll::save_vocabulary(path, vocabulary);
    CHECK(unroll::load_vocabulary(path) == vocabulary);
    CHECK(unroll::load_vocabulary(path).unknown() == unknown);
  }
  CHECK(complaint("unroll-vocabulary 1 whitespace 3 <unk>\n<PAD>\n<unk>\na\n") == "none");
  CHECK(complaint("unroll-vocabulary 1 whitespace 3 <unk>\n<PAD>\n<OOV>\na\n") ==
        "file.txt: token 1 is '<OOV>', expected '<unk>'");
  CHECK(complaint("unroll-vocabulary 1 article 3 <unk>\n<PAD>\n<unk>\na\n") ==
        "file.txt: '<unk>' is to stand for unknown tokens, but the tokenizer 'article' does not take it for one token");
}

TEST_CASE("what is no regular file is refused at once") {
  CHECK_THROWS_WITH_AS(unroll::load_vocabulary("/dev/null"),
                       "/dev/null: cannot read: a device, expected a regular file", unroll::FormatError);
}
