// Changes to JSON that leave it JSON: what reaches the checks behind the parser.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace fuzz {

using Json = nlohmann::ordered_json;

/// Random numbers of one mutation (splitmix64).
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed) {}
  std::uint64_t bits() {
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
  }
  /// From 0 to n - 1.
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(bits() % n); }
  bool one_in(std::size_t n) { return below(n) == 0; }
  template <class List> const auto& of(const List& list) { return list[below(std::size(list))]; }

 private:
  std::uint64_t state_;
};

inline constexpr std::string_view words[] = {"F64",
                                             "F32",
                                             "F16",
                                             "BF16",
                                             "I64",
                                             "I32",
                                             "U8",
                                             "BOOL",
                                             "F8_E4M3",
                                             "F4",
                                             "F6_E2M3",
                                             "C64",
                                             "F3_NEXT",  //
                                             "dtype",
                                             "shape",
                                             "data_offsets",
                                             "__metadata__",
                                             "unroll.network",
                                             "unroll.zero_tensors",
                                             "unroll.format",
                                             "unroll.test_values",
                                             "unroll.test_tokens",
                                             "unroll.test_steps",
                                             "unroll.test_output",
                                             "unroll.vocabulary",
                                             "unroll.labels",
                                             "unroll.tokenizer",
                                             "unroll.fingerprint",
                                             "unroll.checkpoint",
                                             "value.",
                                             "whitespace",
                                             "words",
                                             "layers",
                                             "type",
                                             "activation",
                                             "weights",
                                             "in_shape",
                                             "lstm",
                                             "gru",
                                             "dense",
                                             "time-distributed-dense",
                                             "prelu",
                                             "elu",
                                             "softmax",
                                             "sigmoid",
                                             "tanh",
                                             "relu",
                                             "in_skip",
                                             "in_gain",
                                             "out_gain",
                                             "input_batch",
                                             "output_batch",
                                             "metadata",
                                             "samplerate",
                                             "sample_rate",
                                             "loudness",
                                             "model_data",
                                             "state_dict",
                                             "unroll_test",
                                             "input",
                                             "output",
                                             "architecture",
                                             "config",
                                             "LSTM",
                                             "GRU",
                                             "RNN",
                                             "WaveNet",
                                             "num_layers",
                                             "hidden_size",
                                             "input_size",
                                             "in_channels",
                                             "out_channels",
                                             "skip",
                                             "bias_fl",
                                             "unit_type",
                                             "embedding",
                                             "bidirectional",
                                             "ahead",
                                             "back",
                                             "merge",
                                             "concat",
                                             "sum",
                                             "product",
                                             "reverse",
                                             "final_state",
                                             "alpha",
                                             "slope",
                                             "input_gain",
                                             "output_gain",
                                             "initial_h",
                                             "initial_c",
                                             "weight_ih",
                                             "weight_hh",
                                             "bias_ih",
                                             "bias_hh",
                                             "gru_reset_before",
                                             "rnn_relu",
                                             "0",
                                             "1",
                                             "-1",
                                             "1e300",
                                             "48000",
                                             "true",
                                             "",
                                             "a",
                                             "[]",
                                             "[1]",
                                             "[1,2]",
                                             "{}",
                                             "null",
                                             "\xC3\xA9",
                                             "caf\xE9"};

inline Json extreme(Dice& dice) {
  switch (dice.below(14)) {
    case 0:
      return 0;
    case 1:
      return -1;
    case 2:
      return dice.below(8);
    case 3:
      return std::int64_t{1} << dice.below(63);
    case 4:
      return (std::uint64_t{1} << 63) - dice.below(3);
    case 5:
      return ~std::uint64_t{0};
    case 6:
      return 1e300 * (dice.one_in(2) ? 1 : -1);
    case 7:
      return 0.5;
    case 8:
      return nullptr;
    case 9:
      return dice.one_in(2);
    case 10:
      return std::string(dice.of(words));
    case 11:
      return std::string(dice.below(40), 'x');
    case 12:
      return Json::array();
    default:
      return Json::object();
  }
}

/// The texts of a tree; in one object, now and then, a member stands twice.
inline void write(const Json& value, Dice& dice, bool twice, std::string& to) {
  if (value.is_array() || value.is_object()) {
    to += value.is_array() ? '[' : '{';
    const std::size_t double_at = twice && !value.empty() && dice.one_in(4) ? dice.below(value.size()) : SIZE_MAX;
    std::size_t k = 0;
    const auto member = [&](const std::string& name, const Json& of) {
      if (to.back() != '[' && to.back() != '{') to += ',';
      if (value.is_object()) to += Json(name).dump(-1, ' ', false, Json::error_handler_t::ignore) + ":";
      write(of, dice, twice, to);
    };
    for (auto at = value.begin(); at != value.end(); ++at, ++k) {
      const std::string name = value.is_object() ? at.key() : "";
      member(name, *at);
      if (k == double_at) member(name, *at);
    }
    to += value.is_array() ? ']' : '}';
  } else {
    to += value.dump(-1, ' ', false, Json::error_handler_t::ignore);
  }
}

/// A value, and where it stands.
struct Place {
  Json* value;
  Json* in = nullptr;
  std::size_t number = 0;
};
inline void collect(Json& value, std::vector<Place>& to, std::size_t most) {
  std::size_t k = 0;
  if (value.is_structured())
    for (Json& part : value) {
      if (to.size() >= most) return;
      to.push_back({&part, &value, k++});
      collect(part, to, most);
    }
}
inline std::size_t depth(std::string_view text) {
  std::size_t now = 0, most = 0;
  for (const char c : text) {
    now += c == '[' || c == '{' ? 1 : 0;
    now -= (c == ']' || c == '}') && now > 0 ? 1 : 0;
    most = std::max(most, now);
  }
  return most;
}

inline std::string mutate_json_text(std::string_view text, std::size_t most, Dice& dice);

inline void mutate_tree(Json& root, std::size_t room, Dice& dice) {
  std::vector<Place> places{{&root}};
  collect(root, places, 20000);
  const Place at = places[dice.below(places.size())];
  const Place other = places[dice.below(places.size())];
  Json& value = *at.value;
  const auto position = static_cast<std::ptrdiff_t>(at.number);
  switch (dice.below(12)) {
    case 0:
      if (at.in != nullptr) at.in->erase(std::next(at.in->begin(), position));
      break;
    case 1:  // once more
      if (at.in != nullptr && at.in->is_array()) {
        const Json copy = value;
        at.in->insert(std::next(at.in->begin(), position), copy);
      } else if (at.in != nullptr && at.in->is_object()) {
        const Json copy = value;
        (*at.in)[std::string(dice.of(words)) + std::string(dice.below(3), 'x')] = copy;
      }
      break;
    case 2:
      value = extreme(dice);
      break;
    case 3:
    case 4:
      if (value.is_number_integer())
        value = static_cast<std::int64_t>(value.get<std::uint64_t>() + dice.below(5) - 2);
      else if (value.is_number())
        value = value.get<double>() * (dice.one_in(2) ? -1.5 : 1e30);
      else if (value.is_string())
        value = mutate_json_text(value.get<std::string>(), room, dice);
      break;
    case 5:
      if (value.is_array() && !value.empty())
        value.erase(value.begin() + static_cast<std::ptrdiff_t>(dice.below(value.size())), value.end());
      break;
    case 6: {  // grows to what there is room for, now and then
      if (!value.is_array() || value.empty()) break;
      const Json part = value[dice.below(value.size())];
      const std::size_t times = room / (part.dump(-1, ' ', false, Json::error_handler_t::ignore).size() + 1);
      for (std::size_t k = dice.one_in(4) ? times : dice.below(std::min<std::size_t>(times, 8) + 1); k > 0; --k)
        value.push_back(part);
      break;
    }
    case 7:
      value = Json::array({value});
      break;
    case 8:
      if (value.is_structured() && !value.empty()) {
        const Json part = *std::next(value.begin(), static_cast<std::ptrdiff_t>(dice.below(value.size())));
        value = part;
      }
      break;
    case 9: {
      const Json copy = *other.value;
      value = copy;
      break;
    }
    case 10:  // another name
      if (at.in != nullptr && at.in->is_object()) {
        const Json copy = value;
        at.in->erase(std::next(at.in->begin(), position));
        (*at.in)[std::string(dice.of(words))] = copy;
      }
      break;
    default:  // many members
      if (value.is_object() && dice.one_in(8))
        for (std::size_t k = 0; k < room / 24; ++k) value["n" + std::to_string(k)] = extreme(dice);
      else
        value = std::string(dice.of(words));
      break;
  }
}

/// JSON, changed once or a few times, within `most` bytes; other text comes back as it is.
inline std::string mutate_json_text(std::string_view text, std::size_t most, Dice& dice) {
  if (depth(text) > 60) return std::string(text.substr(0, text.size() / 2));
  Json root = Json::parse(text, nullptr, false);
  if (root.is_discarded()) return std::string(dice.of(words));
  for (std::size_t k = dice.one_in(3) ? 1 + dice.below(4) : 1; k > 0; --k)
    mutate_tree(root, most > text.size() ? most - text.size() : 0, dice);
  std::string changed;
  write(root, dice, dice.one_in(20), changed);
  return changed.size() <= most ? changed : std::string(text);
}

}  // namespace fuzz
