// An input that a model file holds.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include <unroll/core/matrix.hpp>
#include <unroll/file/safetensors.hpp>

namespace unroll::inline UNROLL_ABI {

/// A matrix of double that every Eigen expression of numbers becomes, float too.
struct TestValues : Matrix<double> {
  TestValues() = default;
  TestValues(Index rows, Index cols) : Matrix<double>(rows, cols) {}
  template <class Derived>
  TestValues(const Eigen::DenseBase<Derived>& expression)  // NOLINT: implicit, as in Eigen
      : Matrix<double>(expression.derived().template cast<double>()) {}
};

/// One sequence of at most 32 steps: token ids, or values (D, steps). Empty: none. A model of several inputs has as
/// many, `more` being those after the first.
struct TestInput {
  static constexpr Index max_steps = 32;
  std::vector<std::int32_t> tokens{};
  TestValues values{};
  std::vector<TestInput> more{};

  bool empty() const { return tokens.empty() && values.size() == 0; }
};

namespace detail {

/// Ids that a model of this vocabulary may meet, never the padding.
std::vector<std::int32_t> make_test_tokens(Index vocabulary_size, Index steps);
std::vector<double> read_numbers(const SafeTensors& file, std::string_view key);
TestInput read_test_input(const SafeTensors& file);

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/io/test_input.ipp>
#endif
