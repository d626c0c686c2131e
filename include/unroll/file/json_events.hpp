// JSON from outside, read event by event: nothing is built that was not expected, so depth and size cost nothing.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <unroll/file/nearest_names.hpp>

namespace unroll::inline UNROLL_ABI::detail {

/// A parser's events, every one refused unless a derived class expects it there.
class JsonEvents : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit JsonEvents(std::string where) : where_(std::move(where)) {}

  bool null() override { refuse("null"); }
  bool boolean(bool) override { refuse("a boolean"); }
  bool number_integer(number_integer_t) override { refuse("a negative number"); }
  bool number_unsigned(number_unsigned_t) override { refuse("a number"); }
  bool number_float(number_float_t, const string_t&) override { refuse("a number with a fraction"); }
  bool string(string_t&) override { refuse("a string"); }
  bool binary(binary_t&) override { refuse("binary data"); }
  bool start_object(std::size_t) override { refuse("an object"); }
  bool key(string_t&) override { refuse("a key"); }
  bool end_object() override { refuse("the end of an object"); }
  bool start_array(std::size_t) override { refuse("an array"); }
  bool end_array() override { refuse("the end of an array"); }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
    fail<FormatError>(where_, ": not JSON at byte ", position);
  }

  void parse(std::string_view text) { nlohmann::json::sax_parse(text.begin(), text.end(), this); }

 protected:
  /// What would have been right here.
  virtual std::string expected() const = 0;
  [[noreturn]] void refuse(std::string_view got) const {
    fail<FormatError>(where_, ": got ", got, ", expected ", expected());
  }

  std::string where_;
};

/// An array of strings, or of numbers.
template <class Value> class JsonArray final : public JsonEvents {
 public:
  static std::vector<Value> read(std::string_view text, std::string where) {
    JsonArray events(std::move(where));
    events.parse(text);
    return std::move(events.values_);
  }

  bool start_array(std::size_t) override {
    if (inside_) refuse("an array");
    return inside_ = true;
  }
  bool end_array() override { return true; }
  bool string(string_t& text) override {
    if constexpr (std::is_same_v<Value, std::string>)
      return push(std::move(text));
    else
      refuse("a string");
  }
  bool number_integer(number_integer_t number) override { return push_number(number, "a negative number"); }
  bool number_unsigned(number_unsigned_t number) override { return push_number(number, "a number"); }
  bool number_float(number_float_t number, const string_t&) override {
    return push_number(number, "a number with a fraction");
  }

 private:
  using JsonEvents::JsonEvents;
  std::string expected() const override {
    return std::is_same_v<Value, std::string> ? "an array of strings" : "an array of numbers";
  }
  bool push(Value value) {
    if (!inside_) refuse("a value");
    values_.push_back(std::move(value));
    return true;
  }
  template <class Number> bool push_number(Number number, std::string_view what) {
    if constexpr (std::is_floating_point_v<Value>)
      return push(static_cast<Value>(number));
    else
      refuse(what);
  }

  std::vector<Value> values_;
  bool inside_ = false;
};

/// The JSON text of an array.
template <class Value> std::string json_array(const std::vector<Value>& values) {
  return nlohmann::json(values).dump();
}

}  // namespace unroll::inline UNROLL_ABI::detail
