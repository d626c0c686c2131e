// Bodies of io/model_options.hpp.
#pragma once

#include <utility>

#include <unroll/core/utf8.hpp>
#include <unroll/file/json_value.hpp>
#include <unroll/file/nearest_names.hpp>
#include <unroll/io/model_keys.hpp>
#include <unroll/io/model_options.hpp>

namespace unroll::inline UNROLL_ABI::detail {

UNROLL_FUNCTION std::string write_options(const OptionValues& options) {
  Json all = Json::object();
  for (const auto& [path, value] : options) {
    if (const auto* const real = std::get_if<double>(&value))
      require(has_finite_bits(*real), "save: the option '", path, "' is ", *real, ", expected a finite number");
    if (const auto* const text = std::get_if<std::string>(&value))
      require(is_valid_utf8(*text), "save: the option '", path, "' is not UTF-8");
    std::visit([&, &name = path](const auto& x) { all[name] = x; }, value);
  }
  return all.dump();
}

UNROLL_FUNCTION OptionValues read_options(const SafeTensors& file) {
  OptionValues options;
  const auto found = file.metadata.find(options_key);
  if (found == file.metadata.end()) return options;
  const std::string where = concat_text(file.source, ": metadata ", options_key);
  const Json all = JsonTree::parse(found->second, where);
  require<FormatError>(all.is_object(), where, ": ", json_kind(all), ", expected an object");
  for (const auto& [path, value] : all.items()) {
    if (value.is_boolean()) {
      options[path] = value.get<bool>();
    } else if (value.is_string()) {
      options[path] = value.get<std::string>();
    } else if (value.is_number_float()) {
      options[path] = value.get<double>();
    } else if (value.is_number_unsigned() && !std::in_range<std::int64_t>(value.get<std::uint64_t>())) {
      options[path] = value.get<std::uint64_t>();
    } else if (value.is_number_integer()) {
      options[path] = value.get<std::int64_t>();
    } else {
      fail<FormatError>(where, ": ", quote(path), " is ", json_kind(value), ", expected a number, a text or a boolean");
    }
  }
  return options;
}

UNROLL_FUNCTION void refuse_option(std::string_view source, std::string_view path, const OptionValue& got,
                                   std::string_view expected) {
  const Json value = std::visit([](const auto& x) { return Json(x); }, got);
  fail<FormatError>(source, ": the option ", quote(path), " is ",
                    value.is_string() ? quote(value.get<std::string>()) : value.dump(), ", expected ", expected);
}

UNROLL_FUNCTION void refuse_other_options(std::string_view source, const OptionValues& known,
                                          const OptionValues& given) {
  for (const auto& [path, value] : given)
    if (!known.contains(path))
      fail<FormatError>(source, ": the model has no option ", quote(path), nearest_names(path, known));
}

}  // namespace unroll::inline UNROLL_ABI::detail
