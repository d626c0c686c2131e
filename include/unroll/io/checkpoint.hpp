// Checkpoints: all that a run needs to go on as if it had never stopped, in one file, bit for bit.
#pragma once

#include <bit>
#include <charconv>
#include <cmath>
#include <concepts>
#include <limits>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <unroll/io/parameters_file.hpp>

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
  CheckpointWriter() { writer_.set_metadata(detail::checkpoint_key, detail::checkpoint_version); }

  /// Every parameter of a model, a gradient, a moment or a state, as `<prefix>.<path>`. Those of size 0 are left out.
  template <Visitable M> void add(std::string_view prefix, const M& model) {
    visit([&](const Path& path,
              const auto& p) { detail::add_parameter(writer_, concat(prefix, ".", path.str()), path, p); },
          model);
  }
  /// Of any arithmetic type; floating-point numbers by the bits of a double: exact, NaN and infinities too.
  template <class Number> requires std::is_arithmetic_v<Number>
  void add(std::string_view name, Number number) {
    if constexpr (std::floating_point<Number>)
      add_text(name, detail::hex_text(std::bit_cast<std::uint64_t>(static_cast<double>(number))));
    else if constexpr (std::same_as<Number, char>)
      add_text(name, concat(int{number}));
    else
      add_text(name, concat(number));
  }
  void add(std::string_view name, std::string_view text) { add_text(name, text); }
  void add(std::string_view name, const char* text) { add_text(name, text); }
  void add(std::string_view name, const std::vector<double>& series) {
    writer_.add_vector(name, std::span<const double>(series));
  }
  void add(std::string_view name, const std::vector<std::int64_t>& series) {
    writer_.add_vector(name, std::span<const std::int64_t>(series));
  }
  template <class T> void add(std::string_view name, const Matrix<T>& m) { writer_.add(name, m); }

  void save(const std::filesystem::path& path) const { writer_.save(path); }

 private:
  void add_text(std::string_view name, std::string_view text) {
    const std::string key = concat(detail::value_prefix, name);
    require(names_.insert(key).second, "checkpoint: two values are called '", name, "'");
    writer_.set_metadata(key, text);
  }

  SafeTensorsWriter writer_;
  std::set<std::string, std::less<>> names_;
};

/// A checkpoint that was read. Everything is checked on the way out; `require_all_read` says that nothing was
/// forgotten. Errors are FormatError with the file, the name, what was got and expected.
class Checkpoint {
 public:
  explicit Checkpoint(const std::filesystem::path& path) : Checkpoint(read_safetensors(path)) {}
  explicit Checkpoint(SafeTensors file) : file_(std::move(file)) {
    const std::string& version = file_.metadata_value(detail::checkpoint_key);
    require<FormatError>(version == detail::checkpoint_version, file_.source, ": checkpoint version ",
                         detail::quote(version), ", expected ", detail::checkpoint_version);
  }

  bool contains(std::string_view name) const {
    return file_.contains(name) || file_.metadata.contains(concat(detail::value_prefix, name));
  }

  /// Into an object of the same type and sizes as the one that was added; as it was where this throws.
  template <Visitable M> void read(std::string_view prefix, M& model) {
    const std::string dotted = concat(prefix, ".");
    detail::check_parameters(file_, dotted, model, false, used_);
    detail::read_parameters(file_, dotted, model);
  }
  /// A bool, an integer (in the range of T), a floating-point number, std::string, std::vector<double>,
  /// std::vector<std::int64_t>, Matrix<float> or Matrix<double>.
  template <class T> T get(std::string_view name) {
    if constexpr (requires { typename T::Map; })
      return series<typename T::Scalar>(name, 2), file_.template matrix<typename T::Scalar>(name);
    else if constexpr (requires { typename T::allocator_type; } && !std::same_as<T, std::string>)
      return series<typename T::value_type>(name, 1), file_.template elements<typename T::value_type>(name);
    else {
      T value = scalar<T>(name);
      used_.insert(concat(detail::value_prefix, name));
      return value;
    }
  }

  /// Throws naming something in the file that nobody read: the run that resumes is not the run that was saved.
  void require_all_read() const {
    for (const auto& [name, tensor] : file_.tensors)
      require<FormatError>(used_.contains(name), file_.source, ": nothing here has a place for ", detail::quote(name),
                           " ", detail::describe_tensor(tensor));
    for (const auto& [key, value] : file_.metadata)
      require<FormatError>(!key.starts_with(detail::value_prefix) || used_.contains(key), file_.source,
                           ": nothing here has a place for the value ",
                           detail::quote(key.substr((std::min)(key.size(), detail::value_prefix.size()))));
  }
  const std::string& source() const { return file_.source; }

 private:
  template <class T> void series(std::string_view name, Index rank) {
    const Tensor& tensor = file_.tensor(name);
    require<FormatError>(tensor.dtype == dtype_of<T> && tensor.rank() == rank, file_.source, ": ", detail::quote(name),
                         ": got ", detail::describe_tensor(tensor), ", expected ", name_of(dtype_of<T>), " of ", rank,
                         " dimensions");
    used_.emplace(name);
  }
  template <class T> T scalar(std::string_view name) {
    const std::string& text = file_.metadata_value(concat(detail::value_prefix, name));
    if constexpr (std::same_as<T, std::string>) {
      return text;
    } else if constexpr (std::same_as<T, bool>) {
      require<FormatError>(text == "true" || text == "false", file_.source, ": value '", name, "': got ",
                           detail::quote(text), ", expected true or false");
      return text == "true";
    } else if constexpr (std::integral<T>) {
      return number<T>(name, text, 10);
    } else {
      static_assert(std::floating_point<T>, "unroll::Checkpoint: no such type");
      require<FormatError>(text.size() == 16, file_.source, ": value '", name, "': got ", detail::quote(text),
                           ", expected 16 hexadecimal digits");
      const auto value = std::bit_cast<double>(number<std::uint64_t>(name, text, 16));
      const bool fits = !detail::has_finite_bits(value) || std::abs(value) <= double((std::numeric_limits<T>::max)());
      require<FormatError>(fits, file_.source, ": value '", name, "' is ", value, ", expected a number of its type");
      return static_cast<T>(value);
    }
  }
  template <class T> T number(std::string_view name, const std::string& text, int base) const {
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    require<FormatError>(error == std::errc() && end == text.data() + text.size(), file_.source, ": value '", name,
                         "': got ", detail::quote(text), ", expected a number of its type");
    return value;
  }

  SafeTensors file_;
  std::set<std::string, std::less<>> used_;
};

}  // namespace unroll::inline UNROLL_ABI
