// A model file proves itself: it holds an input and the output that the model gave when it was saved.
#pragma once

#include <algorithm>
#include <charconv>
#include <concepts>
#include <cstdint>
#include <string>
#include <vector>

#include <unroll/io/safetensors_writer.hpp>
#include <unroll/layer/layer.hpp>

namespace unroll::inline UNROLL_ABI {

/// A matrix of double that every Eigen expression of numbers becomes, float too.
struct TestValues : Matrix<double> {
  TestValues() = default;
  TestValues(Index rows, Index cols) : Matrix<double>(rows, cols) {}
  template <class Derived>
  TestValues(const Eigen::DenseBase<Derived>& expression)  // NOLINT: implicit, as in Eigen
      : Matrix<double>(expression.derived().template cast<double>()) {}
};

/// One sequence of at most 32 steps: token ids, or values (D, steps). Empty: none.
struct TestInput {
  static constexpr Index max_steps = 32;
  std::vector<std::int32_t> tokens{};
  TestValues values{};

  bool empty() const { return tokens.empty() && values.size() == 0; }
};

namespace detail {

inline constexpr std::string_view test_tokens_key = "unroll.test_tokens", test_values_key = "unroll.test_values",
                                  test_steps_key = "unroll.test_steps", test_output_key = "unroll.test_output";

/// What a model gives for a test input, column after column, and how far another run may be off its largest number.
struct TestOutput {
  std::vector<double> values;
  double tolerance = 0;
};

template <class M, class In> TestOutput run_forward(const M& model, const In& input) {
  CacheFor<M, In> cache;
  const auto& y = values(model.forward(Context{.gradients = false}, input, cache));
  using T = typename std::remove_cvref_t<decltype(y)>::Scalar;
  TestOutput output{{}, sizeof(T) == 4 ? 1e-4 : 1e-9};
  for (Index k = 0; k < y.size(); ++k) output.values.push_back(static_cast<double>(y.data()[k]));
  return output;
}

/// T is the scalar for which the model accepts values.
template <class T, class M> TestOutput run_values(const M& model, const Matrix<double>& input) {
  const Matrix<T> x = input.cast<T>();
  if constexpr (Accepts<M, PackedSequence<T>>) {
    const std::vector<Index> lengths{x.cols()};
    return run_forward(model, PackedSequence<T>{x, Packing::from_lengths(lengths, x.cols())});
  } else {
    return run_forward(model, x);
  }
}

template <class M, class T>
inline constexpr bool accepts_values = Accepts<M, PackedSequence<T>> || Accepts<M, Matrix<T>>;
template <class M>
inline constexpr bool accepts_test_input =
    Accepts<M, TokenBatch> || accepts_values<M, float> || accepts_values<M, double>;

template <class M> TestOutput run_test(const M& model, const TestInput& input) {
  if (!input.tokens.empty()) {
    if constexpr (Accepts<M, TokenBatch>) {
      const std::vector<Index> lengths{static_cast<Index>(input.tokens.size())};
      return run_forward(model, TokenBatch{input.tokens, Packing::from_lengths(lengths, lengths[0])});
    }
    fail("the test input is token ids, which this model does not accept");
  }
  if constexpr (accepts_values<M, float>)
    return run_values<float>(model, input.values);
  else if constexpr (accepts_values<M, double>)
    return run_values<double>(model, input.values);
  else
    fail("the test input is values, which this model does not accept");
}

/// Ids that a model of this vocabulary may meet, never the padding.
inline std::vector<std::int32_t> make_test_tokens(Index vocabulary_size, Index steps) {
  std::vector<std::int32_t> tokens;
  Rng rng(1);
  for (Index t = 0; t < steps; ++t)
    tokens.push_back(static_cast<std::int32_t>(1 + rng.below(static_cast<std::uint64_t>(vocabulary_size - 1))));
  return tokens;
}

template <class M> void add_test_vector(SafeTensorsWriter& writer, const M& model, const TestInput& input) {
  const Index steps = input.tokens.empty() ? input.values.cols() : static_cast<Index>(input.tokens.size());
  require(steps <= TestInput::max_steps, "save: the test input has ", steps, " steps, expected at most ",
          TestInput::max_steps);
  require(input.tokens.empty() || input.values.size() == 0,
          "save: the test input has token ids and values, expected one of them");
  for (Index k = 0; k < input.values.size(); ++k)
    require(has_finite_bits(input.values.data()[k]), "save: value ", k, " of the test input is not finite");
  const TestOutput output = run_test(model, input);
  require(std::ranges::all_of(output.values, has_finite_bits<double>), "save: the model's output is not finite");
  if (input.tokens.empty())
    writer.set_metadata(test_values_key, json_array(std::vector<double>(input.values.data(),
                                                                        input.values.data() + input.values.size())));
  else
    writer.set_metadata(test_tokens_key, json_array(input.tokens));
  writer.set_metadata(test_steps_key, concat(steps));
  writer.set_metadata(test_output_key, json_array(output.values));
}

inline std::vector<double> read_numbers(const SafeTensors& file, std::string_view key) {
  return JsonArray<double>::read(file.metadata_value(key), concat(file.source, ": metadata ", key));
}

inline TestInput read_test_input(const SafeTensors& file) {
  TestInput input;
  if (file.metadata.contains(test_tokens_key)) {
    for (const double id : read_numbers(file, test_tokens_key)) {
      require<FormatError>(id >= 0 && id <= INT32_MAX && id == std::floor(id), file.source, ": the test vector has id ",
                           id);
      input.tokens.push_back(static_cast<std::int32_t>(id));
    }
  } else if (file.metadata.contains(test_values_key)) {
    const auto numbers = read_numbers(file, test_values_key);
    const std::string& text = file.metadata_value(test_steps_key);
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

/// Throws FormatError unless the model answers as it did when the file was written.
template <class M> void check_test_vector(const SafeTensors& file, const M& model) {
  const TestInput input = read_test_input(file);
  if (input.empty()) return;
  const auto expected = read_numbers(file, test_output_key);
  TestOutput got;
  try {
    got = run_test(model, input);
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

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI
