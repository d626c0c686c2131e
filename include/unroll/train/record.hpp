// What a run needs to go on later, as named values: the common language of fit, its callbacks and whatever stores it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

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
    for (auto at = values_.lower_bound(dotted); at != values_.end() && at->first.starts_with(dotted); ++at)
      out.values_.emplace(at->first.substr(dotted.size()), at->second);
    return out;
  }

  bool empty() const { return values_.empty(); }
  bool contains(std::string_view name) const { return values_.contains(name); }
  /// A string, a series or a matrix. Throws FormatError where it is missing or something else.
  template <class T> const T& get(std::string_view name) const {
    const auto found = values_.find(name);
    require<FormatError>(found != values_.end(), "checkpoint: no value '", name, "'");
    const T* value = std::get_if<T>(&found->second);
    require<FormatError>(value != nullptr, "checkpoint: '", name, "' is of another type than expected");
    return *value;
  }
  /// A series of one.
  std::int64_t integer(std::string_view name) const { return single<std::int64_t>(name); }
  double number(std::string_view name) const { return single<double>(name); }

  const std::map<std::string, Value, std::less<>>& values() const { return values_; }

 private:
  template <class T> T single(std::string_view name) const {
    const auto& series = get<std::vector<T>>(name);
    require<FormatError>(series.size() == 1, "checkpoint: '", name, "' has ", series.size(), " numbers, expected 1");
    return series.front();
  }

  std::map<std::string, Value, std::less<>> values_;
};

}  // namespace unroll::inline UNROLL_ABI
