// Bodies of train/record.hpp.
#pragma once

#include <unroll/core/finite.hpp>
#include <unroll/train/record.hpp>

namespace unroll::inline UNROLL_ABI {

UNROLL_FUNCTION Record::Record() = default;
UNROLL_FUNCTION Record::Record(const Record& other) = default;
UNROLL_FUNCTION Record::Record(Record&& other) noexcept = default;
UNROLL_FUNCTION Record& Record::operator=(const Record& other) = default;
UNROLL_FUNCTION Record& Record::operator=(Record&& other) noexcept = default;
UNROLL_FUNCTION Record::~Record() = default;

template <class T, class F>
const std::vector<T>& Record::series(std::string_view name, std::size_t size, const F& wrong) const {
  const auto& all = get<std::vector<T>>(name);
  check(all.size() == size, "'", prefix_, name, "' has ", all.size(), " numbers, expected ", size);
  for (const T value : all)
    if (const char* expected = wrong(value)) check(false, "'", prefix_, name, "' has ", value, ", expected ", expected);
  return all;
}
template <class T> void Record::check_value_like(std::string_view name, const T& expected) const {
  const T& value = get<T>(name);
  if constexpr (requires { value.rows(); }) {
    check(value.rows() == expected.rows() && value.cols() == expected.cols(), "'", prefix_, name, "' is ", value.rows(),
          " x ", value.cols(), ", expected ", expected.rows(), " x ", expected.cols());
    const Index bad = detail::find_not_finite(value.data(), value.size());
    check(bad < 0 || detail::find_not_finite(expected.data(), expected.size()) >= 0, "'", prefix_, name, "': element ",
          bad, " is not a finite number");
  } else {
    check(value.size() == expected.size(), "'", prefix_, name, "' has size ", value.size(), ", expected ",
          expected.size());
  }
}

UNROLL_FUNCTION void Record::set(std::string_view name, Value value) {
  require(values_.emplace(std::string(name), std::move(value)).second, "Record: two values are called '", name, "'");
}
UNROLL_FUNCTION void Record::set(std::string_view name, double number) {
  set(name, Value(std::vector<double>{number}));
}
UNROLL_FUNCTION void Record::set(std::string_view name, const char* text) { set(name, Value(std::string(text))); }
UNROLL_FUNCTION void Record::insert(std::string_view prefix, const Record& other) {
  for (const auto& [name, value] : other.values_) set(concat_text(prefix, ".", name), value);
}
UNROLL_FUNCTION Record Record::part(std::string_view prefix) const {
  const std::string dotted = concat_text(prefix, ".");
  Record out;
  out.source_ = source_;
  out.prefix_ = prefix_ + dotted;
  for (auto at = values_.lower_bound(dotted); at != values_.end() && at->first.starts_with(dotted); ++at)
    out.values_.emplace(at->first.substr(dotted.size()), at->second);
  return out;
}
UNROLL_FUNCTION bool Record::contains(std::string_view name) const { return values_.contains(name); }
UNROLL_FUNCTION const std::vector<std::int64_t>& Record::counts(std::string_view name, std::size_t size) const {
  return series<std::int64_t>(name, size, [&](std::int64_t value) {
    return value < 0 || value > (std::int64_t{1} << 53) || !std::in_range<Index>(value) ? "0 to 2^53" : nullptr;
  });
}
UNROLL_FUNCTION const std::vector<double>& Record::numbers(std::string_view name, std::size_t size) const {
  return series<double>(name, size,
                        [](double value) { return detail::has_finite_bits(value) ? nullptr : "a finite number"; });
}
UNROLL_FUNCTION std::int64_t Record::integer(std::string_view name) const {
  return series<std::int64_t>(name, 1, [](std::int64_t) { return nullptr; }).front();
}
UNROLL_FUNCTION double Record::number(std::string_view name) const {
  return series<double>(name, 1, [](double) { return nullptr; }).front();
}
UNROLL_FUNCTION std::int64_t Record::integer(std::string_view name, std::int64_t least, std::int64_t most) const {
  const std::int64_t value = integer(name);
  check(value >= least && value <= most, "'", prefix_, name, "' is ", value, ", expected ", least, " to ", most);
  return value;
}
UNROLL_FUNCTION void Record::check_like(const Record& expected) const {
  for (const auto& [name, value] : expected.values_)
    std::visit([&, &key = name](const auto& of) { check_value_like(key, of); }, value);
  for (const auto& [name, value] : values_)
    check(expected.contains(name), "nothing here has a place for '", prefix_, name, "'");
}

UNROLL_FUNCTION void Record::set_integer(std::string_view name, std::int64_t number) {
  set(name, Value(std::vector<std::int64_t>{number}));
}

}  // namespace unroll::inline UNROLL_ABI
