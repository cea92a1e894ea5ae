// Notes of passes to later passes on what the numbers of a value are distributed like, known without data: folding a
// BatchNormalization leaves one, equalization scales it, bias correction reads it.
#pragma once

#include <array>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "halftone/graph.hpp"

namespace halftone::sdk {

// One normal distribution for each channel, on axis 1 of a convolution's output and on the last one of Gemm's.
struct ChannelNormal {
  std::vector<double> mean, deviation;
};

namespace detail {
// Entry of the model's metadata; empty for a value of a subgraph, which may have a name twice.
inline std::string normal_key(const Graph &graph, ht_handle value) {
  const Value v = graph.value(value);
  return v.info.graph == graph.main() ? HT_NOTE_PREFIX "normal/" + std::string(v.name()) : std::string();
}

inline void append_number(std::string &text, double number) {
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number);
  text.append(digits.data(), end.ptr);
  text += ' ';
}
}  // namespace detail

// The text of the note is mean and deviation of each channel in turn, with a blank behind each number. A value of a
// subgraph gets none. Replaces the note that is there.
inline void note_normal(const Graph &graph, const GraphEdit &edit, ht_handle value, const ChannelNormal &normal) {
  const std::string key = detail::normal_key(graph, value);
  if (key.empty()) return;
  std::string text;
  for (std::size_t c = 0; c < normal.mean.size(); ++c) {
    detail::append_number(text, normal.mean[c]);
    detail::append_number(text, normal.deviation[c]);
  }
  edit.set_metadata(key, text);
}

// Nothing where no pass has left a note.
inline std::optional<ChannelNormal> noted_normal(const Graph &graph, ht_handle value) {
  const std::string key = detail::normal_key(graph, value);
  const auto text = key.empty() ? std::nullopt : graph.metadata(key);
  if (!text || text->empty()) return std::nullopt;
  ChannelNormal normal;
  const char *at = text->data(), *end = at + text->size();
  while (at < end) {
    std::array<double, 2> pair{};
    for (double &number : pair) {
      const auto read = std::from_chars(at, end, number);
      if (read.ec != std::errc() || read.ptr == end || *read.ptr != ' ') return std::nullopt;
      at = read.ptr + 1;
    }
    normal.mean.push_back(pair[0]);
    normal.deviation.push_back(pair[1]);
  }
  return normal;
}

}  // namespace halftone::sdk
