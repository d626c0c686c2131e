#include <sstream>

#include <doctest/doctest.h>

#include <unroll/train/summary.hpp>

#include "classifier.hpp"

TEST_CASE("a summary lists layers, parameters with shapes, and what is trained") {
  Classifier model = make_classifier();
  unroll::freeze(model, "0.*");
  std::ostringstream out;
  unroll::summary(model, out);
  const std::string text = out.str();
  CHECK(text.find("  0  Embedding 10 x 6 ") != std::string::npos);
  CHECK(text.find("  3  Dense 5 -> 1 ") != std::string::npos);
  CHECK(text.find("1.weight_ih_l0") != std::string::npos);
  CHECK(text.find("28 x 6") != std::string::npos);
  CHECK(text.find("60  frozen\n") != std::string::npos);
  CHECK(text.ends_with(unroll::concat_text("parameters: ", unroll::count_parameters(model), ", trainable ",
                                           unroll::count_parameters(model) - 60, ", frozen 60\n")));
}
