// Checkpoints: all that a run needs to go on as if it had never stopped, in one file, bit for bit.
#pragma once

#include <concepts>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <unroll/file/safetensors.hpp>
#include <unroll/file/safetensors_writer.hpp>
#include <unroll/network/stored_parameters.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
inline constexpr std::string_view checkpoint_key = "unroll.checkpoint", checkpoint_version = "1";
inline constexpr std::string_view value_prefix = "value.";
}  // namespace detail

/// Collects parameter sets under prefixes, numbers, strings and series, then writes them as one safetensors file that
/// replaces an old one as a whole: killed at any moment, either the old checkpoint is there or the new one.
///
/// `add` copies: what is saved is of the moment of the calls. Errors are std::invalid_argument (a name that is twice in
/// the file), those of `save` FormatError.
class CheckpointWriter {
 public:
  UNROLL_API CheckpointWriter();

  /// Every parameter of a model, a gradient, a moment or a state, as `<prefix>.<path>`. Those of size 0 are left out.
  template <Visitable M> void add(std::string_view prefix, const M& model) {
    add_parameters(prefix, detail::stored_parameters(model));
  }
  /// Of any arithmetic type; floating-point numbers by the bits of a double: exact, NaN and infinities too.
  template <class Number> requires std::is_arithmetic_v<Number>
  void add(std::string_view name, Number number) {
    if constexpr (std::floating_point<Number>)
      add_bits(name, static_cast<double>(number));
    else if constexpr (std::same_as<Number, char>)
      add_text(name, concat_text(int{number}));
    else
      add_text(name, concat_text(number));
  }
  void add(std::string_view name, std::string_view text) { add_text(name, text); }
  void add(std::string_view name, const char* text) { add_text(name, text); }
  UNROLL_API void add(std::string_view name, const std::vector<double>& series);
  UNROLL_API void add(std::string_view name, const std::vector<std::int64_t>& series);
  template <class T> void add(std::string_view name, const Matrix<T>& m) { writer_.add(name, m); }

  void save(const std::filesystem::path& path) const { writer_.save(path); }

 private:
  UNROLL_API void add_parameters(std::string_view prefix, const detail::StoredParameters& parameters);
  UNROLL_API void add_bits(std::string_view name, double number);
  UNROLL_API void add_text(std::string_view name, std::string_view text);

  SafeTensorsWriter writer_;
  std::set<std::string, std::less<>> names_;
};

/// A checkpoint that was read. Everything is checked on the way out; `require_all_read` says that nothing was
/// forgotten. Errors are FormatError with the file, the name, what was got and expected.
class Checkpoint {
 public:
  UNROLL_API explicit Checkpoint(const std::filesystem::path& path);
  UNROLL_API explicit Checkpoint(SafeTensors file);

  UNROLL_API bool contains(std::string_view name) const;

  /// Into an object of the same type and sizes as the one that was added; as it was where this throws.
  template <Visitable M> void read(std::string_view prefix, M& model) {
    read_parameters(prefix, detail::stored_parameters(model));
  }
  /// A bool, an integer (in the range of T), a floating-point number, std::string, std::vector<double>,
  /// std::vector<std::int64_t>, Matrix<float> or Matrix<double>.
  template <class T> T get(std::string_view name) {
    if constexpr (requires { typename T::Map; }) {
      use_series(name, dtype_of<typename T::Scalar>, 2);
      return file_.template matrix<typename T::Scalar>(name);
    } else if constexpr (requires { typename T::allocator_type; } && !std::same_as<T, std::string>) {
      use_series(name, dtype_of<typename T::value_type>, 1);
      return file_.template elements<typename T::value_type>(name);
    } else {
      T value = scalar<T>(name);
      use_value(name);
      return value;
    }
  }

  /// Throws naming something in the file that nobody read: the run that resumes is not the run that was saved.
  UNROLL_API void require_all_read() const;
  const std::string& source() const { return file_.source; }

 private:
  template <class T> T scalar(std::string_view name) const {
    if constexpr (std::same_as<T, std::string>) {
      return text(name);
    } else if constexpr (std::same_as<T, bool>) {
      return truth(name);
    } else if constexpr (std::signed_integral<T>) {
      return static_cast<T>(integer(name, (std::numeric_limits<T>::min)(), (std::numeric_limits<T>::max)()));
    } else if constexpr (std::integral<T>) {
      return static_cast<T>(natural(name, (std::numeric_limits<T>::max)()));
    } else {
      static_assert(std::floating_point<T>, "unroll::Checkpoint: no such type");
      return static_cast<T>(real(name, static_cast<double>((std::numeric_limits<T>::max)())));
    }
  }
  UNROLL_API const std::string& text(std::string_view name) const;
  UNROLL_API bool truth(std::string_view name) const;
  UNROLL_API std::int64_t integer(std::string_view name, std::int64_t low, std::int64_t high) const;
  UNROLL_API std::uint64_t natural(std::string_view name, std::uint64_t high) const;
  UNROLL_API double real(std::string_view name, double largest) const;

  UNROLL_API void read_parameters(std::string_view prefix, const detail::StoredParameters& parameters);
  UNROLL_API void use_series(std::string_view name, Dtype dtype, Index rank);
  UNROLL_API void use_value(std::string_view name);

  SafeTensors file_;
  std::set<std::string, std::less<>> used_;
};

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/io/checkpoint.ipp>
#endif
