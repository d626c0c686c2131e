// Bodies of io/test_input.hpp.
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <unroll/core/random.hpp>
#include <unroll/file/json_events.hpp>
#include <unroll/io/model_keys.hpp>
#include <unroll/io/test_input.hpp>

namespace unroll::inline UNROLL_ABI::detail {

UNROLL_FUNCTION std::vector<std::int32_t> make_test_tokens(Index vocabulary_size, Index steps) {
  std::vector<std::int32_t> tokens;
  Rng rng(1);
  for (Index t = 0; t < steps; ++t)
    tokens.push_back(static_cast<std::int32_t>(1 + rng.below(static_cast<std::uint64_t>(vocabulary_size - 1))));
  return tokens;
}

UNROLL_FUNCTION std::vector<double> read_numbers(const SafeTensors& file, std::string_view key) {
  return JsonArray<double>::read(file.metadata_value(key), concat_text(file.source, ": metadata ", key));
}

/// The k-th.
inline TestInput read_one_test_input(const SafeTensors& file, std::size_t k) {
  TestInput input;
  const std::string tokens_key = test_key(test_tokens_key, k), values_key = test_key(test_values_key, k);
  if (file.metadata.contains(tokens_key)) {
    for (const double id : read_numbers(file, tokens_key)) {
      require<FormatError>(id >= 0 && id <= INT32_MAX && id == std::floor(id), file.source, ": the test vector has id ",
                           id);
      input.tokens.push_back(static_cast<std::int32_t>(id));
    }
  } else if (file.metadata.contains(values_key)) {
    const auto numbers = read_numbers(file, values_key);
    const std::string& text = file.metadata_value(test_key(test_steps_key, k));
    std::size_t steps = 0;
    std::from_chars(text.data(), text.data() + text.size(), steps);
    require<FormatError>(steps > 0 && numbers.size() % steps == 0, file.source, ": the test vector has ",
                         numbers.size(), " numbers for ", text, " steps");
    input.values.resize(static_cast<Index>(numbers.size() / steps), static_cast<Index>(steps));
    std::ranges::copy(numbers, input.values.data());
  }
  require<FormatError>((std::max)(input.tokens.size(), static_cast<std::size_t>(input.values.cols())) <=
                           std::size_t{TestInput::max_steps},
                       file.source, ": the test vector has more than ", TestInput::max_steps, " steps");
  return input;
}
UNROLL_FUNCTION TestInput read_test_input(const SafeTensors& file) {
  TestInput input = read_one_test_input(file, 0);
  while (file.metadata.contains(test_key(test_tokens_key, input.more.size() + 1)) ||
         file.metadata.contains(test_key(test_values_key, input.more.size() + 1)))
    input.more.push_back(read_one_test_input(file, input.more.size() + 1));
  return input;
}

}  // namespace unroll::inline UNROLL_ABI::detail
