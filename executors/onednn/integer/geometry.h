// Windows over one to three spatial axes, as convolutions and poolings have them.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string>

#include "halftone/executor.hpp"

namespace halftone::onednn {

inline constexpr std::size_t kAxes = 3;
using Axes = std::array<std::int64_t, kAxes>;

// The spatial extents of a value by depth, height and width; those that it lacks are 1.
inline Axes extents_of(const ht_tensor_view &x) {
  Axes out = {1, 1, 1};
  for (std::uint32_t i = 2; i < x.rank && i < 2 + kAxes; ++i) out[kAxes - x.rank + i] = x.shape[i];
  return out;
}
inline std::int64_t count_of(const Axes &axes) {
  return axes[0] * axes[1] * axes[2];
}

// By depth, height and width; of what has fewer axes, the first are 1.
struct Geometry {
  Axes kernel = {1, 1, 1}, stride = {1, 1, 1}, dilation = {1, 1, 1}, begin = {0, 0, 0}, end = {0, 0, 0};
  bool same_upper = false, same_lower = false;
  bool whole = true;  // every attribute is absent or has an entry for each axis

  Geometry(const sdk::Graph &graph, const sdk::Node &node, std::span<const std::int64_t> window) {
    const std::size_t axes = window.size(), skip = kAxes - axes;
    const auto fill = [&](const char *name, Axes &to) {
      const auto given = graph.attribute_ints(node.handle, name);
      whole = whole && (given.empty() || given.size() == axes);
      for (std::size_t i = 0; i < axes && i < given.size(); ++i) to[skip + i] = given[i];
    };
    fill("strides", stride);
    fill("dilations", dilation);
    fill("kernel_shape", kernel);
    for (std::size_t i = 0; i < axes; ++i) {
      whole = whole && (kernel[skip + i] == window[i] || graph.attribute_ints(node.handle, "kernel_shape").empty());
      kernel[skip + i] = window[i];
    }
    const std::string automatic = graph.attribute_text(node.handle, "auto_pad", "NOTSET");
    same_upper = automatic == "SAME_UPPER";
    same_lower = automatic == "SAME_LOWER";
    whole = whole && (same_upper || same_lower || automatic == "NOTSET" || automatic == "VALID");
    const auto pads = graph.attribute_ints(node.handle, "pads");
    whole = whole && (automatic != "NOTSET" || pads.empty() || pads.size() == 2 * axes);
    for (std::size_t i = 0; automatic == "NOTSET" && i < axes && pads.size() == 2 * axes; ++i) {
      begin[skip + i] = pads[i];
      end[skip + i] = pads[axes + i];
    }
  }
  // Padding of an axis for this input, and how many outputs there are.
  std::int64_t outputs(std::size_t i, std::int64_t extent, std::int64_t &before, std::int64_t &after) const {
    const std::int64_t reach = (kernel[i] - 1) * dilation[i] + 1;
    before = begin[i];
    after = end[i];
    if (same_upper || same_lower) {
      const std::int64_t out = (extent + stride[i] - 1) / stride[i];
      const std::int64_t total = std::max<std::int64_t>(0, (out - 1) * stride[i] + reach - extent);
      before = same_upper ? total / 2 : total - total / 2;
      after = total - before;
    }
    const std::int64_t room = extent + before + after - reach;
    return room < 0 ? 0 : room / stride[i] + 1;
  }
  // Whether ceil_mode, which a pooling may have, gives no other number of outputs.
  bool same_with_ceil(std::size_t i, std::int64_t extent, std::int64_t outputs_without) const {
    if (same_upper || same_lower) return true;
    const std::int64_t reach = (kernel[i] - 1) * dilation[i] + 1;
    return (extent + begin[i] + end[i] - reach) % stride[i] == 0 &&
           (outputs_without - 1) * stride[i] < extent + begin[i];
  }
  // Whether a fast step may take it. What the operator does not allow is left to the plain kernel, which reports it,
  // and so is what is too wide for a padded image.
  bool plain() const {
    constexpr std::int64_t kMost = 65536;
    const auto within = [](const Axes &list, std::int64_t least) {
      return std::ranges::all_of(list, [&](std::int64_t entry) { return entry >= least && entry <= kMost; });
    };
    return whole && within(kernel, 1) && within(stride, 1) && within(dilation, 1) && within(begin, 0) && within(end, 0);
  }
};

}  // namespace halftone::onednn
