// What a run needs to go on later, as named values: the common language of fit, its callbacks and whatever stores it.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <unroll/core/error.hpp>
#include <unroll/core/matrix.hpp>

namespace unroll::inline UNROLL_ABI {

/// Values by name. Numbers are series (of one, mostly), so that every value is a tensor or a text.
class Record {
 public:
  using Value =
      std::variant<std::string, std::vector<std::int64_t>, std::vector<double>, Matrix<float>, Matrix<double>>;

  UNROLL_API Record();
  UNROLL_API Record(const Record& other);
  UNROLL_API Record(Record&& other) noexcept;
  UNROLL_API Record& operator=(const Record& other);
  UNROLL_API Record& operator=(Record&& other) noexcept;
  UNROLL_API ~Record();

  /// Throws where the name is there already.
  UNROLL_API void set(std::string_view name, Value value);
  void set(std::string_view name, std::integral auto number) { set_integer(name, static_cast<std::int64_t>(number)); }
  UNROLL_API void set(std::string_view name, double number);
  UNROLL_API void set(std::string_view name, const char* text);
  /// All of another record, as `<prefix>.<name>`.
  UNROLL_API void insert(std::string_view prefix, const Record& other);
  /// What was inserted under a prefix.
  UNROLL_API Record part(std::string_view prefix) const;

  bool empty() const { return values_.empty(); }
  UNROLL_API bool contains(std::string_view name) const;
  /// A string, a series or a matrix. Throws FormatError where it is missing or something else.
  template <class T> UNROLL_API const T& get(std::string_view name) const;
  /// A series of `size` counts: each is 0 or more, an Index, and a double without rounding.
  UNROLL_API const std::vector<std::int64_t>& counts(std::string_view name, std::size_t size) const;
  /// A series of `size` finite numbers.
  UNROLL_API const std::vector<double>& numbers(std::string_view name, std::size_t size) const;
  /// A series of one.
  UNROLL_API std::int64_t integer(std::string_view name) const;
  UNROLL_API double number(std::string_view name) const;
  /// The same, in the range from `least` to `most`.
  UNROLL_API std::int64_t integer(std::string_view name, std::int64_t least, std::int64_t most) const;

  const std::map<std::string, Value, std::less<>>& values() const { return values_; }

  /// Where it came from, a file's path for example: the beginning of all messages. Parts inherit it.
  const std::string& source() const { return source_; }
  void set_source(std::string source) { source_ = std::move(source); }
  /// Throws FormatError "<source>: <message>" unless `condition` holds: for those who find more wrong in what they
  /// load.
  template <class... Parts> void check(bool condition, const Parts&... message) const {
    require<FormatError>(condition, source_, ": ", message...);
  }
  /// Throws FormatError naming the first value that `expected` has and this has not, or in another type or size, or not
  /// finite where it is finite there; or what this has and `expected` has not.
  UNROLL_API void check_like(const Record& expected) const;

 private:
  UNROLL_API void set_integer(std::string_view name, std::int64_t number);
  /// `wrong` says what a value should have been, or nothing.
  template <class T, class F>
  const std::vector<T>& series(std::string_view name, std::size_t size, const F& wrong) const;
  template <class T> void check_value_like(std::string_view name, const T& expected) const;

  std::map<std::string, Value, std::less<>> values_;
  std::string source_ = "checkpoint", prefix_;
};

template <class T> const T& Record::get(std::string_view name) const {
  const auto found = values_.find(name);
  check(found != values_.end(), "no value '", prefix_, name, "'");
  const T* value = std::get_if<T>(&found->second);
  check(value != nullptr, "'", prefix_, name, "' is of another type than expected");
  return *value;
}

#define UNROLL_RECORD_INSTANCES(DECLARE)                                        \
  DECLARE const std::string& Record::get(std::string_view) const;               \
  DECLARE const std::vector<std::int64_t>& Record::get(std::string_view) const; \
  DECLARE const std::vector<double>& Record::get(std::string_view) const;       \
  DECLARE const Matrix<float>& Record::get(std::string_view) const;             \
  DECLARE const Matrix<double>& Record::get(std::string_view) const;
#if !UNROLL_HEADER_ONLY
UNROLL_RECORD_INSTANCES(extern template)
#endif

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/train/record.ipp>
#endif
