// Bodies of io/test_vector.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <stdexcept>
#include <vector>

#include <unroll/core/finite.hpp>
#include <unroll/file/json_events.hpp>
#include <unroll/io/model_keys.hpp>
#include <unroll/io/test_vector.hpp>

namespace unroll::inline UNROLL_ABI::detail {

/// Of the k-th input.
inline void add_test_input(SafeTensorsWriter& writer, const TestInput& input, std::size_t place) {
  const Index steps = input.tokens.empty() ? input.values.cols() : static_cast<Index>(input.tokens.size());
  require(steps <= TestInput::max_steps, "save: the test input has ", steps, " steps, expected at most ",
          TestInput::max_steps);
  require(input.tokens.empty() || input.values.size() == 0,
          "save: the test input has token ids and values, expected one of them");
  for (Index k = 0; k < input.values.size(); ++k)
    require(has_finite_bits(input.values.data()[k]), "save: value ", k, " of the test input is not finite");
  if (input.tokens.empty())
    writer.set_metadata(
        test_key(test_values_key, place),
        json_array(std::vector<double>(input.values.data(), input.values.data() + input.values.size())));
  else
    writer.set_metadata(test_key(test_tokens_key, place), json_array(input.tokens));
  writer.set_metadata(test_key(test_steps_key, place), concat_text(steps));
}
UNROLL_FUNCTION void add_test_vector(SafeTensorsWriter& writer, const TestInput& input, RunTest run) {
  TestOutput output;
  add_test_input(writer, input, 0);
  for (std::size_t place = 0; place < input.more.size(); ++place) add_test_input(writer, input.more[place], place + 1);
  run(input, output);
  require(std::ranges::all_of(output.values, has_finite_bits<double>), "save: the model's output is not finite");
  writer.set_metadata(test_output_key, json_array(output.values));
}

UNROLL_FUNCTION void check_test_vector(const SafeTensors& file, RunTest run) {
  const TestInput input = read_test_input(file);
  if (input.empty()) return;
  const auto expected = read_numbers(file, test_output_key);
  TestOutput got;
  try {
    run(input, got);
  } catch (const std::invalid_argument& error) {  // the model is sound, so the input is not
    fail<FormatError>(file.source, ": the test vector does not fit the model: ", error.what());
  }
  require<FormatError>(got.values.size() == expected.size(), file.source, ": the model gives ", got.values.size(),
                       " numbers for the test vector, expected ", expected.size());
  double largest = 0;
  for (const double y : expected) largest = (std::max)(largest, std::abs(y));
  for (std::size_t k = 0; k < expected.size(); ++k)
    require<FormatError>(
        has_finite_bits(got.values[k]) && std::abs(got.values[k] - expected[k]) <= got.tolerance * largest, file.source,
        ": the model is not the one that was saved: output ", k, " of the test vector is ", got.values[k],
        ", expected ", expected[k], " to ", got.tolerance, " of the largest, ", largest);
}

}  // namespace unroll::inline UNROLL_ABI::detail
