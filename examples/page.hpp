// Pages for a browser: losses over the epochs, a text coloured by how probable a model found its tokens or by what it
// looked at, and what each word of a translation looked at.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <iomanip>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <unroll/core/matrix.hpp>
#include <unroll/file/replace_file.hpp>
#include <unroll/text/vocabulary.hpp>
#include <unroll/train/callback.hpp>

namespace page {

inline std::string escaped(std::string_view text) {
  std::string safe;
  for (const char c : text) switch (c) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      default:
        safe += c;
    }
  return safe;
}
/// A picture, SVG: alone where the name of the file ends with .svg, else in a page of HTML.
inline void write(const std::filesystem::path& path, std::string_view title, std::string_view picture) {
  std::ostringstream page;
  if (path.extension() == ".svg")
    page << picture;
  else
    page << "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>" << title
         << "</title>\n<style>body { font: 16px/1.6 serif; max-width: 50em; margin: 2em auto "
            "}</style></head>\n<body>\n<h1>"
         << title << "</h1>\n"
         << picture << "</body></html>\n";
  const std::string bytes = page.str();
  unroll::replace_file(path, std::as_bytes(std::span(bytes)));
}
inline void begin_picture(std::ostream& svg, double width, double height, std::string_view font) {
  svg << "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " << width << ' ' << height << "\" font-family=\""
      << font << "\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n";
}

/// Curves of one value an epoch each, as an SVG picture with axes; `from` and `to` are what its ends are called.
struct Curve {
  std::string name, colour;
  std::vector<double> values;
};
inline std::string picture(std::span<const Curve> curves, std::string_view from = "epoch 1", std::string to = "") {
  constexpr double width = 640, height = 360, left = 60, bottom = 40, top = 20, right = 110;
  double least = 1e300, most = -1e300;
  std::size_t epochs = 1;
  for (const Curve& curve : curves) {
    epochs = std::max(epochs, curve.values.size());
    for (const double value : curve.values)
      if (std::isfinite(value)) least = std::min(least, value), most = std::max(most, value);
  }
  if (to.empty()) to = std::to_string(epochs);
  if (least > most) least = 0, most = 1;
  if (most - least < 1e-9) most = least + 1;
  const auto x = [&](std::size_t k) {
    return left +
           (width - left - right) * static_cast<double>(k) / static_cast<double>(std::max<std::size_t>(epochs - 1, 1));
  };
  const auto y = [&](double value) {
    return height - bottom - (height - bottom - top) * (value - least) / (most - least);
  };
  std::ostringstream svg;
  begin_picture(svg, width, height, "sans-serif");
  svg << std::setprecision(4);
  for (int k = 0; k <= 4; ++k) {
    const double value = least + (most - least) * k / 4;
    svg << "<line x1=\"" << left << "\" x2=\"" << width - right << "\" y1=\"" << y(value) << "\" y2=\"" << y(value)
        << "\" stroke=\"#ddd\"/><text x=\"" << left - 8 << "\" y=\"" << y(value) + 4 << "\" text-anchor=\"end\">"
        << value << "</text>\n";
  }
  svg << "<text x=\"" << left << "\" y=\"" << height - bottom + 20 << "\">" << escaped(from) << "</text><text x=\""
      << width - right << "\" y=\"" << height - bottom + 20 << "\" text-anchor=\"end\">" << escaped(to) << "</text>\n";
  std::vector<double> named;  // where names stand, none over another
  for (const Curve& curve : curves) {
    svg << "<polyline fill=\"none\" stroke=\"" << curve.colour << "\" stroke-width=\"2\" points=\"";
    double end = y(least);
    for (std::size_t k = 0; k < curve.values.size(); ++k)
      if (std::isfinite(curve.values[k])) svg << x(k) << ',' << (end = y(curve.values[k])) << ' ';
    while (std::ranges::any_of(named, [&](double other) { return std::abs(other - end) < 13; })) end -= 1;
    named.push_back(end);
    svg << "\"/><text x=\"" << width - right + 8 << "\" y=\"" << end + 4 << "\" fill=\"" << curve.colour << "\">"
        << escaped(curve.name) << "</text>\n";
  }
  svg << "</svg>\n";
  return svg.str();
}

/// The losses of a run so far, for on_epoch_end.
inline void write_losses(const std::filesystem::path& path, unroll::Run& run) {
  std::vector<Curve> curves{{"training", "#1f77b4", run.history().series("loss")},
                            {"validation", "#d62728", run.history().series("val_loss")}};
  if (const auto loss = run.log().find("loss")) curves[0].values.push_back(*loss);
  if (const auto loss = run.log().find("val_loss")) curves[1].values.push_back(*loss);
  if (curves[1].values.empty()) curves.pop_back();
  write(path, "Losses", picture(curves));
}

inline std::size_t length_of(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

/// A word on a background; over it the mouse shows the tip.
struct Word {
  std::string text, colour, tip;
  bool ends_line = false;
};
/// A new line begins where the next word would pass `columns`, too.
inline std::string picture(std::span<const Word> words, std::string_view between, std::size_t columns) {
  constexpr double advance = 7.2, line = 20, margin = 10;  // of a fixed-width font of 12 pixels
  std::ostringstream body;
  std::size_t column = 0;
  double y = margin;
  for (const Word& word : words) {
    const std::size_t length = length_of(word.text);
    if (column > 0 && column + length > columns) column = 0, y += line;
    const double x = margin + advance * static_cast<double>(column);
    body << "<g><title>" << escaped(word.tip) << "</title><rect x=\"" << x << "\" y=\"" << y << "\" width=\""
         << advance * static_cast<double>(length) << "\" height=\"" << line - 2 << "\" fill=\"" << word.colour
         << "\"/><text xml:space=\"preserve\" x=\"" << x << "\" y=\"" << y + 13 << "\">" << escaped(word.text)
         << "</text></g>\n";
    column += length + length_of(between);
    if (word.ends_line) column = 0, y += line;
  }
  std::ostringstream svg;
  begin_picture(svg, 2 * margin + advance * static_cast<double>(columns), y + (column > 0 ? line : 0) + margin,
                "monospace");
  svg << body.str() << "</svg>\n";
  return svg.str();
}
inline std::string three_digits(double value) {
  std::ostringstream text;
  text << std::setprecision(3) << value;
  return text.str();
}
/// From white, 0, to `full`, 1.
inline std::string shade(double part, std::array<int, 3> full) {
  std::ostringstream colour;
  const char* before = "rgb(";
  for (const int end : full)
    colour << std::exchange(before, ",") << std::lround(255 - (255 - end) * std::clamp(part, 0.0, 1.0));
  colour << ')';
  return colour.str();
}

/// Each token but the first on a background from white, it was sure of it, to red, one in a thousand or less. A new
/// line begins after `line_end`, too.
inline void write_text(const std::filesystem::path& path, const unroll::Vocabulary& vocabulary,
                       std::span<const std::int32_t> ids, std::span<const double> log_p,
                       std::string_view line_end = "<eos>", std::string_view between = " ", std::size_t columns = 90) {
  std::vector<Word> words;
  for (std::size_t k = 0; k < ids.size(); ++k) {
    const std::string token(vocabulary.token(ids[k]));
    const double log_of = k == 0 ? 0 : log_p[k - 1];
    words.push_back({token == "\n" ? "\u00b6" : token, shade(-log_of / std::log(1000.0), {255, 100, 100}),
                     three_digits(std::exp(log_of)), token == line_end || token == "\n"});
  }
  write(path, "How probable each token was", picture(words, between, columns));
}

/// How much each of what was written looked at each of what was read.
struct Map {
  std::vector<std::string> read, written;
  unroll::Matrix<float> weights;  ///< (read, written)
};
/// What was read from left to right and what was written below each other; a cell is as dark as its weight.
inline std::string picture(std::span<const Map> maps) {
  constexpr double cell = 20, advance = 7.2, margin = 10;
  const auto longest = [](const std::vector<std::string>& words) {
    std::size_t most = 1;
    for (const std::string& word : words) most = std::max(most, length_of(word));
    return static_cast<double>(most) * advance;
  };
  std::ostringstream body;
  double width = 0, y = margin;
  for (const Map& map : maps) {
    const double left = margin + longest(map.written) + 6, over = longest(map.read);
    const bool turned = over > cell;
    y += turned ? over + 12 : cell;  // words that are wider than a cell stand
    const auto columns = static_cast<double>(map.read.size()), rows = static_cast<double>(map.written.size());
    for (std::size_t s = 0; s < map.read.size(); ++s) {
      const double x = left + cell * (static_cast<double>(s) + 0.5);
      body << "<text x=\"" << x << "\" y=\"" << y - 6 << '"';
      if (turned)
        body << " transform=\"rotate(-90 " << x << ' ' << y - 6 << ")\" dy=\"4\"";
      else
        body << " text-anchor=\"middle\"";
      body << '>' << escaped(map.read[s]) << "</text>\n";
    }
    for (std::size_t t = 0; t < map.written.size(); ++t) {
      const double top = y + cell * static_cast<double>(t);
      body << "<text x=\"" << left - 6 << "\" y=\"" << top + 14 << "\" text-anchor=\"end\">" << escaped(map.written[t])
           << "</text>\n";
      for (std::size_t s = 0; s < map.read.size(); ++s)
        if (const double weight = map.weights(static_cast<Eigen::Index>(s), static_cast<Eigen::Index>(t));
            weight >= 0.005)
          body << "<rect x=\"" << left + cell * static_cast<double>(s) << "\" y=\"" << top << "\" width=\"" << cell
               << "\" height=\"" << cell << "\" fill=\"" << shade(weight, {20, 60, 120}) << "\"><title>"
               << three_digits(weight) << "</title></rect>\n";
    }
    body << "<rect x=\"" << left << "\" y=\"" << y << "\" width=\"" << cell * columns << "\" height=\"" << cell * rows
         << "\" fill=\"none\" stroke=\"#999\"/>\n";
    width = std::max(width, left + cell * columns + margin);
    y += cell * rows + 2 * margin;
  }
  std::ostringstream svg;
  begin_picture(svg, width, y, "monospace");
  svg << body.str() << "</svg>\n";
  return svg.str();
}

}  // namespace page
