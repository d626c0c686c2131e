// Other programs' JSON: a tree of limited size, and a way down it that knows where it is.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <unroll/core/matrix.hpp>
#include <unroll/file/json_events.hpp>
#include <unroll/file/wanted_kinds.hpp>

namespace unroll::inline UNROLL_ABI::detail {

using Json = nlohmann::json;

/// Builds a tree; refuses a name that stands twice in an object, more than `max_depth` levels, more than `max_values`
/// values, more than `max_objects` objects: an object of nothing, three characters, takes a hundred bytes of memory.
class JsonTree final : public JsonEvents {
 public:
  static constexpr std::size_t max_depth = 16, max_values = std::size_t{1} << 24, max_objects = std::size_t{1} << 16;

  static Json parse(std::string_view text, std::string where) {
    JsonTree tree(std::move(where));
    static_cast<JsonEvents&>(tree).parse(text);
    return std::move(tree.root_);
  }

 private:
  using JsonEvents::JsonEvents;
  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t&) override { return add(value); }
  bool string(string_t& value) override { return add(std::move(value)); }
  bool start_object(std::size_t) override {
    require<FormatError>(++objects_ <= max_objects, where_, ": more than ", max_objects, " objects");
    return open(Json::object());
  }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(string_t& name) override {
    require<FormatError>(!open_.back()->contains(name), where_, ": the name ", quote(name), " stands twice");
    key_ = std::move(name);
    return true;
  }
  std::string expected() const override { return "JSON"; }

  Json* put(Json value) {
    require<FormatError>(++values_ <= max_values, where_, ": more than ", max_values, " values");
    if (open_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    Json& in = *open_.back();
    if (in.is_object()) return &(in[std::move(key_)] = std::move(value));
    in.push_back(std::move(value));
    return &in.back();
  }
  bool add(Json value) { return put(std::move(value)) != nullptr; }
  bool open(Json container) {
    require<FormatError>(open_.size() < max_depth, where_, ": nested deeper than ", max_depth, " levels");
    open_.push_back(put(std::move(container)));
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  Json root_;
  std::vector<Json*> open_;  ///< from the root to where we are; only the last one grows
  std::string key_;
  std::size_t values_ = 0, objects_ = 0;
};

/// Of a file, which may be one of another kind.
inline Json parse_json(std::span<const std::byte> bytes, const std::string& source) {
  refuse_other_kinds(bytes, source, {FileKind::json});
  return JsonTree::parse({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, source);
}

inline std::string_view json_kind(const Json& value) {
  switch (value.type()) {
    case Json::value_t::object:
      return "an object";
    case Json::value_t::array:
      return "an array";
    case Json::value_t::string:
      return "a string";
    case Json::value_t::boolean:
      return "a boolean";
    case Json::value_t::null:
      return "null";
    default:
      return "a number";
  }
}

/// A value and its place in the file, "model.json: layers[2].shape". Everything it is asked for is there and of that
/// kind, or it throws FormatError.
class JsonAt {
 public:
  JsonAt(const Json& value, std::string source, std::string path = {})
      : value_(&value), source_(std::move(source)), path_(std::move(path)) {}

  const Json& json() const { return *value_; }
  const std::string& source() const { return source_; }
  bool is_array() const { return value_->is_array(); }
  template <class... Parts> [[noreturn]] void refuse(const Parts&... parts) const {
    refuse_with(concat_text(parts...));
  }

  bool has(const std::string& name) const { return object().contains(name); }
  JsonAt at(const std::string& name) const {
    if (!has(name)) refuse("no ", quote(name), nearest_names(name, object().get_ref<const Json::object_t&>()));
    return {(*value_)[name], source_, concat_text(path_, path_.empty() ? "" : ".", name)};
  }
  /// Nothing for a name that is not there or is null.
  std::optional<JsonAt> find(const std::string& name) const {
    if (!has(name) || (*value_)[name].is_null()) return std::nullopt;
    return at(name);
  }
  /// No other names than these.
  void only(std::initializer_list<std::string_view> names) const { only(std::span(names.begin(), names.size())); }
  void only(std::span<const std::string_view> names) const {
    for (const auto& [name, value] : object().items())
      if (std::ranges::find(names, name) == names.end()) refuse("nothing here has a place for ", quote(name));
  }
  std::size_t size() const {
    if (!is_array()) kind("an array");
    return value_->size();
  }
  JsonAt operator[](std::size_t k) const {
    if (k >= size()) refuse("it has ", size(), " values, expected at least ", k + 1);
    return {(*value_)[k], source_, concat_text(path_, "[", k, "]")};
  }

  const Json& object() const {
    if (!value_->is_object()) kind("an object");
    return *value_;
  }
  const std::string& string() const {
    if (!value_->is_string()) kind("a string");
    return value_->get_ref<const std::string&>();
  }
  double number() const {
    if (!value_->is_number()) kind("a number");
    return value_->get<double>();
  }
  /// Between these, both included; NaN is not.
  double number(double low, double high) const {
    const double got = number();
    if (!(got >= low && got <= high)) refuse("got ", got, ", expected ", low, " to ", high);
    return got;
  }
  bool boolean() const {
    if (!value_->is_boolean()) kind("true or false");
    return value_->get<bool>();
  }
  Index integer(Index low, Index high) const {
    if (!value_->is_number_integer()) kind("a whole number");
    if (value_->is_number_unsigned() && value_->get<std::uint64_t>() > static_cast<std::uint64_t>(high))
      refuse("got ", value_->get<std::uint64_t>(), ", expected ", low, " to ", high);
    const auto got = value_->get<std::int64_t>();
    if (got < low || got > high) refuse("got ", got, ", expected ", low, " to ", high);
    return static_cast<Index>(got);
  }
  /// A size: at least 1, and small enough that products of two sizes are still numbers.
  Index size_value() const { return integer(1, Index{1} << 24); }

  /// Rows of numbers: exactly this many of exactly this length, each a finite float. What a list of lists is called is
  /// its own layout: element [i][j] is (i, j).
  Matrix<float> matrix(Index rows, Index cols) const {
    if (size() != static_cast<std::size_t>(rows)) refuse("it has ", size(), " rows, expected ", rows);
    for (Index i = 0; i < rows; ++i) {  // before memory is asked for that the file does not fill
      const Json& row = (*value_)[static_cast<std::size_t>(i)];
      if (!row.is_array() || row.size() != static_cast<std::size_t>(cols))
        refuse("row ", i, " is ", json_kind(row), row.is_array() ? concat_text(" of ", row.size()) : "", ", expected ",
               cols, " numbers");
    }
    Matrix<float> m(rows, cols);
    for (Index i = 0; i < rows; ++i)
      for (Index j = 0; j < cols; ++j)
        m(i, j) = finite((*value_)[static_cast<std::size_t>(i)][static_cast<std::size_t>(j)], i * cols + j);
    return m;
  }
  /// A list of numbers as (n, 1).
  Matrix<float> vector(Index n) const {
    if (size() != static_cast<std::size_t>(n)) refuse("it has ", size(), " numbers, expected ", n);
    Matrix<float> m(n, 1);
    for (Index i = 0; i < n; ++i) m(i, 0) = finite((*value_)[static_cast<std::size_t>(i)], i);
    return m;
  }

 private:
  [[noreturn]] void refuse_with(const std::string& message) const {
    fail<FormatError>(source_, path_.empty() ? "" : ": ", path_, ": ", message);
  }
  [[noreturn]] void kind(std::string_view expected) const {
    refuse("got ", json_kind(*value_), ", expected ", expected);
  }
  float finite(const Json& value, Index k) const {
    if (!value.is_number()) refuse("element ", k, " is ", json_kind(value), ", expected a number");
    const double number = value.get<double>();
    constexpr auto largest = detail::as<double>((std::numeric_limits<float>::max)());
    if (!(number >= -largest && number <= largest)) refuse("element ", k, " (", number, ") is not a finite float");
    return static_cast<float>(number);
  }

  const Json* value_;
  std::string source_, path_;
};

}  // namespace unroll::inline UNROLL_ABI::detail
