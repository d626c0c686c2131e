// Bodies of io/checkpoint.hpp.
#pragma once

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <unroll/core/finite.hpp>
#include <unroll/file/tensor_text.hpp>
#include <unroll/io/checkpoint.hpp>
#include <unroll/io/fingerprint.hpp>
#include <unroll/network/parameter_tensors.hpp>

namespace unroll::inline UNROLL_ABI {

UNROLL_FUNCTION CheckpointWriter::CheckpointWriter() {
  writer_.set_metadata(detail::checkpoint_key, detail::checkpoint_version);
}
UNROLL_FUNCTION void CheckpointWriter::add(std::string_view name, const std::vector<double>& series) {
  writer_.add_vector(name, std::span<const double>(series));
}
UNROLL_FUNCTION void CheckpointWriter::add(std::string_view name, const std::vector<std::int64_t>& series) {
  writer_.add_vector(name, std::span<const std::int64_t>(series));
}
UNROLL_FUNCTION void CheckpointWriter::add_parameters(std::string_view prefix,
                                                      const detail::StoredParameters& parameters) {
  for (const detail::StoredParameter& p : parameters)
    detail::add_parameter(writer_, concat_text(prefix, ".", p.path), p);
}
UNROLL_FUNCTION void CheckpointWriter::add_bits(std::string_view name, double number) {
  add_text(name, detail::hex_text(std::bit_cast<std::uint64_t>(number)));
}
UNROLL_FUNCTION void CheckpointWriter::add_text(std::string_view name, std::string_view text) {
  const std::string key = concat_text(detail::value_prefix, name);
  require(names_.insert(key).second, "checkpoint: two values are called '", name, "'");
  writer_.set_metadata(key, text);
}

UNROLL_FUNCTION Checkpoint::Checkpoint(const std::filesystem::path& path) : Checkpoint(read_safetensors(path)) {}
UNROLL_FUNCTION Checkpoint::Checkpoint(SafeTensors file) : file_(std::move(file)) {
  const std::string& version = file_.metadata_value(detail::checkpoint_key);
  require<FormatError>(version == detail::checkpoint_version, file_.source, ": checkpoint version ",
                       detail::quote(version), ", expected ", detail::checkpoint_version);
}

UNROLL_FUNCTION bool Checkpoint::contains(std::string_view name) const {
  return file_.contains(name) || file_.metadata.contains(concat_text(detail::value_prefix, name));
}
UNROLL_FUNCTION void Checkpoint::require_all_read() const {
  for (const auto& [name, tensor] : file_.tensors)
    require<FormatError>(used_.contains(name), file_.source, ": nothing here has a place for ", detail::quote(name),
                         " ", detail::describe_tensor(tensor));
  for (const auto& [key, value] : file_.metadata)
    require<FormatError>(!key.starts_with(detail::value_prefix) || used_.contains(key), file_.source,
                         ": nothing here has a place for the value ",
                         detail::quote(key.substr((std::min)(key.size(), detail::value_prefix.size()))));
}

namespace detail {
/// All of the text as a number from low to high.
template <class T>
T number_from(const SafeTensors& file, std::string_view name, const std::string& text, int base, T low, T high) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  const bool fits = error == std::errc() && end == text.data() + text.size() && value >= low && value <= high;
  require<FormatError>(fits, file.source, ": value '", name, "': got ", quote(text), ", expected a number of its type");
  return value;
}
}  // namespace detail

UNROLL_FUNCTION const std::string& Checkpoint::text(std::string_view name) const {
  return file_.metadata_value(concat_text(detail::value_prefix, name));
}
UNROLL_FUNCTION bool Checkpoint::truth(std::string_view name) const {
  const std::string& of = text(name);
  require<FormatError>(of == "true" || of == "false", file_.source, ": value '", name, "': got ", detail::quote(of),
                       ", expected true or false");
  return of == "true";
}
UNROLL_FUNCTION std::int64_t Checkpoint::integer(std::string_view name, std::int64_t low, std::int64_t high) const {
  return detail::number_from(file_, name, text(name), 10, low, high);
}
UNROLL_FUNCTION std::uint64_t Checkpoint::natural(std::string_view name, std::uint64_t high) const {
  return detail::number_from(file_, name, text(name), 10, std::uint64_t{0}, high);
}
UNROLL_FUNCTION double Checkpoint::real(std::string_view name, double largest) const {
  const std::string& of = text(name);
  require<FormatError>(of.size() == 16, file_.source, ": value '", name, "': got ", detail::quote(of),
                       ", expected 16 hexadecimal digits");
  const auto value = std::bit_cast<double>(
      detail::number_from(file_, name, of, 16, std::uint64_t{0}, (std::numeric_limits<std::uint64_t>::max)()));
  const bool fits = !detail::has_finite_bits(value) || std::abs(value) <= largest;
  require<FormatError>(fits, file_.source, ": value '", name, "' is ", value, ", expected a number of its type");
  return value;
}

UNROLL_FUNCTION void Checkpoint::read_parameters(std::string_view prefix, const detail::StoredParameters& parameters) {
  const std::string dotted = concat_text(prefix, ".");
  detail::check_parameters(file_, dotted, parameters, false, used_);
  detail::read_parameters(file_, dotted, parameters);
}
UNROLL_FUNCTION void Checkpoint::use_series(std::string_view name, Dtype dtype, Index rank) {
  const Tensor& tensor = file_.tensor(name);
  require<FormatError>(tensor.dtype == dtype && tensor.rank() == rank, file_.source, ": ", detail::quote(name),
                       ": got ", detail::describe_tensor(tensor), ", expected ", name_of(dtype), " of ", rank,
                       " dimensions");
  used_.emplace(name);
}
UNROLL_FUNCTION void Checkpoint::use_value(std::string_view name) {
  used_.insert(concat_text(detail::value_prefix, name));
}

}  // namespace unroll::inline UNROLL_ABI
