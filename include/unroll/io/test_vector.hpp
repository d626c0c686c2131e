// A model file proves itself: it holds an input and the output that the model gave when it was saved.
#pragma once

#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

#include <unroll/core/function_ref.hpp>
#include <unroll/file/safetensors.hpp>
#include <unroll/file/safetensors_writer.hpp>
#include <unroll/io/test_input.hpp>
#include <unroll/layer/layer.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {

/// What a model gives for a test input, column after column, and how far another run may be off its largest number.
struct TestOutput {
  std::vector<double> values;
  double tolerance = 0;
};

template <class M, class In> TestOutput run_forward(const M& model, const In& input) {
  CacheFor<M, In> cache;
  const auto& y = values(model.forward(Context{.gradients = false}, input, cache));
  using T = typename std::remove_cvref_t<decltype(y)>::Scalar;
  return {{y.data(), y.data() + y.size()}, sizeof(T) == 4 ? 1e-4 : 1e-9};
}

template <class M, class T>
inline constexpr bool accepts_values = Accepts<M, PackedSequence<T>> || Accepts<M, Matrix<T>>;
template <class M>
inline constexpr bool accepts_test_input =
    Accepts<M, TokenBatch> || accepts_values<M, float> || accepts_values<M, double> || TakesSeveral<M>;

/// A batch of this sequence.
template <class X> X batch_of_one(const TestInput& input) {
  X x;
  const std::vector<Index> lengths{Tokens<X> ? static_cast<Index>(input.tokens.size()) : input.values.cols()};
  if constexpr (requires { x.packing; }) x.packing = Packing::from_lengths(lengths, lengths[0]);
  if constexpr (Tokens<X>) {
    require(input.values.size() == 0, "the test input has values where the model takes token ids");
    x.ids = input.tokens;
  } else {
    require(input.tokens.empty(), "the test input has token ids where the model takes values");
    using T = typename std::remove_cvref_t<decltype(values(x))>::Scalar;
    values(x) = input.values.template cast<T>();
  }
  return x;
}
/// T is the scalar for which the model accepts values.
template <class T, class M> TestOutput run_values(const M& model, const TestInput& input) {
  if constexpr (Accepts<M, PackedSequence<T>>)
    return run_forward(model, batch_of_one<PackedSequence<T>>(input));
  else
    return run_forward(model, batch_of_one<Matrix<T>>(input));
}
template <class M> TestOutput run_single(const M& model, const TestInput& input) {
  require(input.more.empty(), "the test input has ", input.more.size() + 1, " inputs, the model takes one");
  if (!input.tokens.empty()) {
    if constexpr (Accepts<M, TokenBatch>) return run_forward(model, batch_of_one<TokenBatch>(input));
    fail("the test input is token ids, which this model does not accept");
  }
  if constexpr (accepts_values<M, float>)
    return run_values<float>(model, input);
  else if constexpr (accepts_values<M, double>)
    return run_values<double>(model, input);
  else
    fail("the test input is values, which this model does not accept");
}
template <class M, class... X> TestOutput run_several(const M& model, const TestInput& input, Inputs<X...>* /*type*/) {
  require(input.more.size() + 1 == sizeof...(X), "the test input has ", input.more.size() + 1,
          " inputs, the model takes ", sizeof...(X));
  return [&]<std::size_t... K>(std::index_sequence<K...>) {
    return run_forward(model, Inputs<X...>{{batch_of_one<X>(K == 0 ? input : input.more[K - 1])...}});
  }(std::index_sequence_for<X...>{});
}

template <class M> TestOutput run_test(const M& model, const TestInput& input) {
  if constexpr (TakesSeveral<M>)
    return run_several(model, input, static_cast<SeveralInputs<M>*>(nullptr));
  else
    return run_single(model, input);
}

/// A model without its type: what it gives for a test input.
using RunTest = FunctionRef<const TestInput&, TestOutput&>;
UNROLL_API void add_test_vector(SafeTensorsWriter& writer, const TestInput& input, RunTest run);
/// Throws FormatError unless the model answers as it did when the file was written.
UNROLL_API void check_test_vector(const SafeTensors& file, RunTest run);

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/io/test_vector.ipp>
#endif
