// The header of a safetensors file: the only grammar it may have, and the checks that make its numbers safe to use.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <unroll/file/dtype.hpp>
#include <unroll/file/json_events.hpp>

namespace unroll::inline UNROLL_ABI::detail {

/// `{"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ..., "__metadata__": {"key": "text", ...}}`
class SafeTensorsHeader final : public JsonEvents {
 public:
  struct Entry {
    std::optional<std::string> dtype;
    std::optional<std::vector<std::uint64_t>> shape, offsets;
  };
  std::map<std::string, Entry, std::less<>> entries;
  std::map<std::string, std::string, std::less<>> metadata;

  SafeTensorsHeader(std::string_view text, std::string where) : JsonEvents(std::move(where)) { parse(text); }

  /// The tensors lie behind each other without gap or overlap and fill `size` bytes. Throws FormatError.
  void check_layout(std::uint64_t size) const {
    std::vector<const decltype(entries)::value_type*> order;
    for (const auto& entry : entries) {
      const auto& offsets = *entry.second.offsets;
      require<FormatError>(offsets[0] <= offsets[1] && offsets[1] <= size, of_tensor(entry.first), "data_offsets [",
                           offsets[0], ", ", offsets[1], "] are not in the ", size, " bytes of data");
      check_bytes(entry.first, entry.second);
      order.push_back(&entry);
    }
    std::ranges::sort(order, {}, [](const auto* entry) { return *entry->second.offsets; });
    std::uint64_t end = 0;
    for (const auto* entry : order) {
      const auto begin = (*entry->second.offsets)[0];
      require<FormatError>(begin == end, of_tensor(entry->first), "begins at byte ", begin, " of the data, expected ",
                           end, begin < end ? ": it overlaps another" : ": nothing fills the gap");
      end = (*entry->second.offsets)[1];
    }
    require<FormatError>(end == size, where_, ": ", size - end, " bytes behind the last tensor belong to nothing");
  }

 private:
  enum class At { start, names, metadata, tensor, shape, offsets, end };
  static constexpr std::string_view metadata_name = "__metadata__";
  static constexpr std::size_t max_rank = 16;

  std::string of_tensor(std::string_view name) const { return concat_text(where_, ": tensor ", quote(name), ": "); }

  /// What a tensor has is what its shape says, whoever can read its elements. Of a type that nobody knows, only that
  /// the elements can be counted.
  void check_bytes(std::string_view name, const Entry& entry) const {
    constexpr auto max =
        static_cast<std::uint64_t>((std::numeric_limits<Index>::max)()) / 64;  // bits stay numbers, too
    const auto width = bits_of_dtype(*entry.dtype);
    std::uint64_t elements = 1;
    bool empty = false;
    for (const std::uint64_t dim : *entry.shape) {
      require<FormatError>(dim <= max && elements <= max / std::max<std::uint64_t>(dim, 1), of_tensor(name),
                           "its shape has more elements than memory can hold");
      elements *= std::max<std::uint64_t>(dim, 1);
      empty = empty || dim == 0;
    }
    if (!width) return;
    const std::uint64_t bits = empty ? 0 : elements * *width;
    const std::uint64_t got = (*entry.offsets)[1] - (*entry.offsets)[0];
    require<FormatError>(bits % 8 == 0 && got == bits / 8, of_tensor(name), "got ", got, " bytes, expected ",
                         (bits + 7) / 8, bits % 8 == 0 ? "" : " whole ones", " from its shape");
  }

  bool null() override {  // "__metadata__": null says that there is none
    if (at_ != At::names || name_ != metadata_name) refuse("null");
    require<FormatError>(!std::exchange(has_metadata_, true), where_, ": the name ", quote(name_), " stands twice");
    return true;
  }
  bool start_object(std::size_t) override {
    if (at_ == At::start) {
      at_ = At::names;
    } else if (at_ == At::names) {
      const bool is_metadata = name_ == metadata_name;
      const bool first = is_metadata ? !std::exchange(has_metadata_, true) : entries.try_emplace(name_).second;
      require<FormatError>(first, where_, ": the name ", quote(name_), " stands twice");
      at_ = is_metadata ? At::metadata : At::tensor;
    } else {
      refuse("an object");
    }
    return true;
  }
  bool key(string_t& key) override {
    (at_ == At::names ? name_ : key_) = std::move(key);
    return true;
  }
  bool string(string_t& text) override {
    if (at_ == At::metadata) {
      require<FormatError>(metadata.try_emplace(key_, std::move(text)).second, where_, ": the metadata key ",
                           quote(key_), " stands twice");
    } else if (at_ == At::tensor && key_ == "dtype") {
      auto& dtype = entries[name_].dtype;
      require<FormatError>(!dtype.has_value(), of_tensor(name_), "dtype stands twice");
      dtype = std::move(text);
    } else {
      refuse("a string");
    }
    return true;
  }
  bool start_array(std::size_t) override {
    if (at_ != At::tensor || (key_ != "shape" && key_ != "data_offsets")) refuse("an array");
    auto& numbers = key_ == "shape" ? entries[name_].shape : entries[name_].offsets;
    require<FormatError>(!numbers.has_value(), of_tensor(name_), key_, " stands twice");
    numbers.emplace();
    at_ = key_ == "shape" ? At::shape : At::offsets;
    return true;
  }
  bool number_unsigned(number_unsigned_t number) override {
    if (at_ != At::shape && at_ != At::offsets) refuse("a number");
    auto& numbers = at_ == At::shape ? *entries[name_].shape : *entries[name_].offsets;
    require<FormatError>(numbers.size() < (at_ == At::shape ? max_rank : 2), of_tensor(name_), "more than ",
                         numbers.size(), " numbers in its ", key_);
    numbers.push_back(number);
    return true;
  }
  bool end_array() override {
    require<FormatError>(at_ == At::shape || entries[name_].offsets->size() == 2, of_tensor(name_),
                         "data_offsets are not two numbers");
    at_ = At::tensor;
    return true;
  }
  bool end_object() override {
    if (at_ == At::tensor) {
      const Entry& entry = entries[name_];
      require<FormatError>(entry.dtype && entry.shape && entry.offsets, of_tensor(name_), "no ",
                           !entry.dtype   ? "dtype"
                           : !entry.shape ? "shape"
                                          : "data_offsets");
    }
    at_ = at_ == At::names ? At::end : At::names;
    return true;
  }
  std::string expected() const override {
    switch (at_) {
      case At::start:
        return "an object";
      case At::names:
        return concat_text("an object for ", quote(name_));
      case At::metadata:
        return concat_text("a string for the metadata key ", quote(key_));
      case At::tensor:
        return concat_text("dtype, shape and data_offsets in tensor ", quote(name_), " (at ", quote(key_), ")");
      case At::shape:
      case At::offsets:
        return concat_text("whole numbers from 0 in ", key_, " of tensor ", quote(name_));
      case At::end:
        break;
    }
    return "the end";
  }

  At at_ = At::start;
  std::string name_, key_;
  bool has_metadata_ = false;
};

}  // namespace unroll::inline UNROLL_ABI::detail
