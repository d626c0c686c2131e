#include <string>

#include <doctest/doctest.h>

#include <unroll/text/lower_case.hpp>

TEST_CASE("letters of any alphabet get their lower case, and all else stays") {
  using unroll::lower_case;
  CHECK(lower_case("") == "");
  CHECK(lower_case("New-York 10!\t<PAD>") == "new-york 10!\t<pad>");
  CHECK(lower_case("GRÖSSE Größe ПЛАЧЬ 映画") == "grösse größe плачь 映画");
  CHECK(lower_case("ΣΟΦΟΣ ΣΑΣ. Σ") == "σοφος σας. σ");
  CHECK(lower_case("İ") == "i\xCC\x87");
  const std::string odd("A\xFF\xC3\0Z\xE2\x82", 7);
  CHECK(lower_case(odd) == std::string("a\xFF\xC3\0z\xE2\x82", 7));
}
