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

#include <unroll/core/finite.hpp>
#include <unroll/core/matrix.hpp>

namespace unroll::inline UNROLL_ABI {

/// Values by name. Numbers are series (of one, mostly), so that every value is a tensor or a text.
class Record {
 public:
  using Value =
      std::variant<std::string, std::vector<std::int64_t>, std::vector<double>, Matrix<float>, Matrix<double>>;

  /// Throws where the name is there already.
  void set(std::string_view name, Value value) {
    require(values_.emplace(std::string(name), std::move(value)).second, "Record: two values are called '", name, "'");
  }
  void set(std::string_view name, std::integral auto number) {
    set(name, Value(std::vector<std::int64_t>{static_cast<std::int64_t>(number)}));
  }
  void set(std::string_view name, double number) { set(name, Value(std::vector<double>{number})); }
  void set(std::string_view name, const char* text) { set(name, Value(std::string(text))); }
  /// All of another record, as `<prefix>.<name>`.
  void insert(std::string_view prefix, const Record& other) {
    for (const auto& [name, value] : other.values_) set(concat(prefix, ".", name), value);
  }
  /// What was inserted under a prefix.
  Record part(std::string_view prefix) const {
    const std::string dotted = concat(prefix, ".");
    Record out;
    out.source_ = source_;
    out.prefix_ = prefix_ + dotted;
    for (auto at = values_.lower_bound(dotted); at != values_.end() && at->first.starts_with(dotted); ++at)
      out.values_.emplace(at->first.substr(dotted.size()), at->second);
    return out;
  }

  bool empty() const { return values_.empty(); }
  bool contains(std::string_view name) const { return values_.contains(name); }
  /// A string, a series or a matrix. Throws FormatError where it is missing or something else.
  template <class T> const T& get(std::string_view name) const {
    const auto found = values_.find(name);
    check(found != values_.end(), "no value '", prefix_, name, "'");
    const T* value = std::get_if<T>(&found->second);
    check(value != nullptr, "'", prefix_, name, "' is of another type than expected");
    return *value;
  }
  /// A series of `size` counts: each is 0 or more, an Index, and a double without rounding.
  const std::vector<std::int64_t>& counts(std::string_view name, std::size_t size) const {
    return series<std::int64_t>(name, size, [&](std::int64_t value) {
      return value < 0 || value > (std::int64_t{1} << 53) || !std::in_range<Index>(value) ? "0 to 2^53" : nullptr;
    });
  }
  /// A series of `size` finite numbers.
  const std::vector<double>& numbers(std::string_view name, std::size_t size) const {
    return series<double>(name, size,
                          [](double value) { return detail::has_finite_bits(value) ? nullptr : "a finite number"; });
  }
  /// A series of one.
  std::int64_t integer(std::string_view name) const {
    return series<std::int64_t>(name, 1, [](std::int64_t) { return nullptr; }).front();
  }
  double number(std::string_view name) const {
    return series<double>(name, 1, [](double) { return nullptr; }).front();
  }
  /// The same, in the range from `least` to `most`.
  std::int64_t integer(std::string_view name, std::int64_t least, std::int64_t most) const {
    const std::int64_t value = integer(name);
    check(value >= least && value <= most, "'", prefix_, name, "' is ", value, ", expected ", least, " to ", most);
    return value;
  }

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
  void check_like(const Record& expected) const {
    for (const auto& [name, value] : expected.values_)
      std::visit([&, &key = name](const auto& of) { check_value_like(key, of); }, value);
    for (const auto& [name, value] : values_)
      check(expected.contains(name), "nothing here has a place for '", prefix_, name, "'");
  }

 private:
  /// `wrong` says what a value should have been, or nothing.
  template <class T, class F>
  const std::vector<T>& series(std::string_view name, std::size_t size, const F& wrong) const {
    const auto& all = get<std::vector<T>>(name);
    check(all.size() == size, "'", prefix_, name, "' has ", all.size(), " numbers, expected ", size);
    for (const T value : all)
      if (const char* expected = wrong(value))
        check(false, "'", prefix_, name, "' has ", value, ", expected ", expected);
    return all;
  }
  template <class T> void check_value_like(std::string_view name, const T& expected) const {
    const T& value = get<T>(name);
    if constexpr (requires { value.rows(); }) {
      check(value.rows() == expected.rows() && value.cols() == expected.cols(), "'", prefix_, name, "' is ",
            value.rows(), " x ", value.cols(), ", expected ", expected.rows(), " x ", expected.cols());
      const Index bad = detail::find_not_finite(value.data(), value.size());
      check(bad < 0 || detail::find_not_finite(expected.data(), expected.size()) >= 0, "'", prefix_, name,
            "': element ", bad, " is not a finite number");
    } else {
      check(value.size() == expected.size(), "'", prefix_, name, "' has size ", value.size(), ", expected ",
            expected.size());
    }
  }

  std::map<std::string, Value, std::less<>> values_;
  std::string source_ = "checkpoint", prefix_;
};

}  // namespace unroll::inline UNROLL_ABI
