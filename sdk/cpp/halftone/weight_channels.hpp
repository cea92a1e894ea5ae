// Where the output channels of a layer lie in its stored weight.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "halftone/graph.hpp"

namespace halftone::sdk {

// Element ((g * inputs + i) * channels + c) * taps + t belongs to output channel g * channels + c.
struct WeightChannels {
  std::size_t groups = 1, inputs = 1, channels = 0, taps = 1;

  std::size_t count() const { return groups * channels; }  // of output channels
  std::size_t elements() const { return groups * inputs * channels * taps; }
  std::size_t of(std::size_t element) const {
    return element / (taps * channels * inputs) * channels + element / taps % channels;
  }
  // Calls body(first element, channel) for each run of `taps` neighbours.
  template <typename Body>
  void for_each_run(const Body &body) const {
    for (std::size_t at = 0, n = elements(); at < n; at += taps) body(at, of(at));
  }
};

// Of Conv, ConvTranspose (whose groups follow each other) and Gemm with a weight of this shape in slot 1; nothing for
// other nodes and for shapes that do not fit them.
inline std::optional<WeightChannels> weight_channels(const Graph &graph, const Node &layer,
                                                     std::span<const std::int64_t> shape) {
  if (shape.size() < 2) return std::nullopt;
  std::size_t inner = 1;
  for (std::size_t i = 2; i < shape.size(); ++i) inner *= static_cast<std::size_t>(shape[i]);
  const auto first = static_cast<std::size_t>(shape[0]), second = static_cast<std::size_t>(shape[1]);
  if (layer.is("ConvTranspose")) {
    const std::int64_t groups = graph.attribute_int(layer.handle, "group", 1);
    if (groups < 1 || shape[0] % groups != 0) return std::nullopt;
    const auto parts = static_cast<std::size_t>(groups);
    return WeightChannels{parts, first / parts, second, inner};
  }
  if (layer.is("Gemm")) {
    if (shape.size() != 2) return std::nullopt;
    if (graph.attribute_int(layer.handle, "transB", 0) == 0) return WeightChannels{1, first, second, 1};
    return WeightChannels{1, 1, first, second};
  }
  if (layer.is("Conv")) return WeightChannels{1, 1, first, second * inner};
  return std::nullopt;
}

}  // namespace halftone::sdk
