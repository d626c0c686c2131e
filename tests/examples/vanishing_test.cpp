// How far networks hear, as a reader of the lesson sees it.
#include "child.hpp"

namespace vanishing_test {

using namespace child;
using Words = std::vector<std::string>;

const fs::path program = fs::path(UNROLL_EXAMPLES_DIR) / "vanishing";

TEST_CASE(
    "vanishing prints the signals, what is learned of them, and an explosion; the same for any number of threads") {
  const Folder folder;
  const std::string picture = (folder / "signals.svg").string();
  const Words small{"--length", "24", "--units", "8", "--updates", "60", "--rate", "0.02"};
  Words drawn = small;
  drawn.insert(drawn.end(), {"--plot", picture, "--threads", "2"});
  const Result result = run(program, drawn);
  check_well(result);
  for (const char* part :
       {"The signal of a word, before training\nwords before the end       1       2       4       8      20\n",
        "\nRNN                     1.00 ", "\nGRU                     1.00 ", "\nLSTM                    1.00 ",
        "The same after training\n", "at this distance alone\n",
        "1.weight_ih_l0 (Recurrent<Lstm>): ", "An RNN with a U of radius 2.00", "\nnot clipped ", "\nclipped to 1 "})
    CHECK(mentions(result.out, part));
  const std::string svg = read(picture);
  CHECK(svg.starts_with("<svg"));
  CHECK(mentions(svg, ">the last word<"));
  CHECK(mentions(svg, ">24 words before the end<"));
  CHECK(mentions(svg, ">LSTM, trained<"));
  CHECK(run(program, small).out == result.out);
}

TEST_CASE("vanishing says what is wrong with its arguments in one line") {
  check_refused(run(program, {"--length", "1"}), {"vanishing: ", "--length"});
  check_refused(run(program, {"--start", "warm"}), {"vanishing: ", "--start"});
  CHECK(run(program, {"--help"}).code == 0);
}

}  // namespace vanishing_test
