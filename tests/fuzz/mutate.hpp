// The mutator of all targets: it knows what safetensors, JSON and lists of lines are made of, and leaves a third of the
// work to libFuzzer, which knows nothing.
#pragma once

#include <algorithm>
#include <cstring>

#include "mutate_json.hpp"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace fuzz {

/// "<length><header><data>" whose length is that of the header.
struct SafeTensorsText {
  std::string header, data;

  static bool split(std::string_view bytes, SafeTensorsText& to) {
    std::uint64_t length = 0;
    if (bytes.size() < 8) return false;
    std::memcpy(&length, bytes.data(), 8);
    if (length > bytes.size() - 8) return false;
    to = {std::string(bytes.substr(8, length)), std::string(bytes.substr(8 + length))};
    return true;
  }
  std::string joined() const {
    const std::uint64_t length = header.size();
    std::string bytes(8, '\0');
    std::memcpy(bytes.data(), &length, 8);
    return bytes + header + data;
  }
};

/// Other shapes, laid out one behind the other over as much data as they take.
inline void reshape(SafeTensorsText& file, Dice& dice) {
  Json header = Json::parse(file.header, nullptr, false);
  if (!header.is_object()) return;
  const bool all = dice.one_in(2);
  std::size_t end = 0;
  for (auto& [name, entry] : header.items()) {
    if (!entry.is_object() || !entry.contains("shape") || !entry["shape"].is_array()) continue;
    if (all || dice.one_in(3)) {
      if (dice.one_in(4) || entry["shape"].empty()) entry["shape"].push_back(1);
      for (Json& dim : entry["shape"])
        if (dice.one_in(2)) dim = dice.one_in(30) ? std::size_t{1} << dice.below(40) : dice.below(7);
    }
    std::size_t bytes = entry.value("dtype", Json()) == "F64" || entry.value("dtype", Json()) == "I64" ? 8 : 4;
    for (const Json& dim : entry["shape"])
      bytes = dim.is_number_unsigned() ? std::min<std::size_t>(bytes * dim.get<std::size_t>(), 4096) : 0;
    entry["data_offsets"] = {end, end + bytes};
    end += bytes;
  }
  file.header = header.dump(-1, ' ', false, Json::error_handler_t::ignore);
  file.data.resize(std::min<std::size_t>(end, 1 << 20), '\1');
}

inline std::string mutate_safetensors(SafeTensorsText file, std::size_t most, Dice& dice) {
  switch (dice.below(8)) {
    case 0:
      reshape(file, dice);
      break;
    case 1: {  // numbers
      file.data.resize(file.data.size() + 4);
      const std::size_t size =
          LLVMFuzzerMutate(reinterpret_cast<std::uint8_t*>(file.data.data()), file.data.size() - 4, file.data.size());
      file.data.resize(std::max(size, file.data.size() - 4), '\0');
      break;
    }
    case 2: {  // a value as the bits say: zero, infinity, NaN, huge
      constexpr std::uint32_t bits[] = {0, 0x7F800000, 0xFF800000, 0x7FC00000, 0x7F7FFFFF, 1, 0x3F800000};
      if (file.data.size() >= 4) std::memcpy(&file.data[dice.below(file.data.size() / 4) * 4], &dice.of(bits), 4);
      break;
    }
    case 3: {  // metadata, the part with JSON inside
      Json header = Json::parse(file.header, nullptr, false);
      if (!header.is_object() || !header.contains("__metadata__") || !header["__metadata__"].is_object()) break;
      Json& metadata = header["__metadata__"];
      if (metadata.empty()) break;
      Json& value = *std::next(metadata.begin(), static_cast<std::ptrdiff_t>(dice.below(metadata.size())));
      if (value.is_string()) value = mutate_json_text(value.get<std::string>(), most - file.data.size(), dice);
      file.header = header.dump(-1, ' ', false, Json::error_handler_t::ignore);
      break;
    }
    default:
      file.header = mutate_json_text(file.header, most, dice);
      if (dice.one_in(4)) reshape(file, dice);
      break;
  }
  return file.joined();
}

/// Lines, and what separates columns.
inline std::string mutate_lines(std::string_view text, std::size_t most, Dice& dice) {
  std::vector<std::string> lines{""};
  for (const char c : text)
    if (lines.back() += c; c == '\n') lines.emplace_back();
  std::string& line = lines[dice.below(lines.size())];
  constexpr std::string_view parts[] = {
      "\t", "\n", "\r\n", "\r",           " ",     "0",        "-1", "99999999999999999999", "2147483647", "\xFF", "\"",
      "1",  ",",  "\0",   "\xEF\xBB\xBF", "<PAD>", "\xC3\xA9", "a"};
  switch (dice.below(6)) {
    case 0:
      line.clear();
      break;
    case 1:
      line += dice.of(parts);
      break;
    case 2:
      line.insert(dice.below(line.size() + 1), dice.of(parts));
      break;
    case 3:
      line = std::string(lines[dice.below(lines.size())]);
      break;
    case 4: {
      const std::string copy = line;
      for (std::size_t k = dice.one_in(6) ? (most - std::min(most, text.size())) / (copy.size() + 1) : dice.below(4);
           k > 0; --k)
        lines.push_back(copy);
      break;
    }
    default: {  // many that differ
      for (std::size_t k = dice.one_in(6) ? (most - std::min(most, text.size())) / 12 : 1; k > 0; --k)
        lines.push_back(std::to_string(dice.bits() % 1000) + "\t" + std::to_string(k) + "\n");
      break;
    }
  }
  std::string changed;
  for (const std::string& each : lines) changed += each;
  return changed;
}

enum class Form { safetensors_or_json, lines };

inline std::size_t mutate(Form form, std::uint8_t* data, std::size_t size, std::size_t max_size, unsigned seed) {
  Dice dice(seed);
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (dice.one_in(3)) return LLVMFuzzerMutate(data, size, max_size);
  std::string changed;
  if (SafeTensorsText file; form == Form::lines)
    changed = mutate_lines(text, max_size, dice);
  else if (SafeTensorsText::split(text, file) && depth(file.header) < 60)
    changed = mutate_safetensors(std::move(file), max_size, dice);
  else
    changed = mutate_json_text(text, max_size, dice);
  const std::size_t length = std::min(changed.size(), max_size);
  std::copy_n(changed.begin(), length, data);
  return std::max<std::size_t>(length, 1);
}

}  // namespace fuzz

// A target whose files are lines, or that has a mutator of its own, says so before it includes this.
#if !defined(FUZZ_OWN_MUTATOR)
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
#if defined(FUZZ_LINES)
  return fuzz::mutate(fuzz::Form::lines, data, size, max_size, seed);
#else
  return fuzz::mutate(fuzz::Form::safetensors_or_json, data, size, max_size, seed);
#endif
}
#endif
