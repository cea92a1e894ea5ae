// Windows over one or two spatial axes, as Conv and MaxPool have them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>

#include "halftone/executor.hpp"

namespace halftone::onednn {

// By height and width; of a signal, the height is 1.
struct Geometry {
  std::int64_t kernel[2] = {1, 1}, stride[2] = {1, 1}, dilation[2] = {1, 1}, begin[2] = {0, 0}, end[2] = {0, 0};
  bool same_upper = false, same_lower = false;
  bool whole = true;  // every attribute is absent or has an entry for each axis

  Geometry(const sdk::Graph &graph, const sdk::Node &node, std::span<const std::int64_t> window) {
    const std::size_t axes = window.size(), skip = 2 - axes;
    const auto fill = [&](const char *name, std::int64_t *to) {
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
  // Whether a fast step may take it. What the operator does not allow is left to the plain kernel, which reports it,
  // and so is what is too wide for a padded image.
  bool plain() const {
    constexpr std::int64_t kMost = 65536;
    const auto within = [](const std::int64_t(&list)[2], std::int64_t least) {
      return std::ranges::all_of(list, [&](std::int64_t entry) { return entry >= least && entry <= kMost; });
    };
    return whole && within(kernel, 1) && within(stride, 1) && within(dilation, 1) && within(begin, 0) && within(end, 0);
  }
};

}  // namespace halftone::onednn
