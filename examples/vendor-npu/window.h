// The window of a convolution or a pooling over two axes, from the attributes of a node.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "halftone/graph.hpp"

namespace tern {

struct Window {
  std::array<std::int32_t, 2> kernel{1, 1}, strides{1, 1}, dilations{1, 1};
  std::array<std::int32_t, 4> pads{};  // before and after, by axis as in ONNX: top, left, bottom, right
};

// `kernel`: of the weight, or empty for that of the attribute. `image`: height and width of the input. Throws for what
// is not over two axes.
Window window_of(const halftone::sdk::Graph &graph, const halftone::sdk::Node &node,
                 std::span<const std::int64_t> kernel, std::span<const std::int64_t> image);

}  // namespace tern
