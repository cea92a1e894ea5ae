#include "window.h"

#include <algorithm>
#include <string>
#include <vector>

namespace sdk = halftone::sdk;

namespace tern {
namespace {

template <std::size_t N>
void read(const sdk::Graph &graph, const sdk::Node &node, const char *name, std::array<std::int32_t, N> &to) {
  const std::vector<std::int64_t> values = graph.attribute_ints(node.handle, name);
  if (values.empty()) return;
  if (values.size() != N) {
    throw sdk::Failure(HT_UNIMPLEMENTED, "Tern has windows over two axes, and this one is over another number",
                       node.handle);
  }
  std::transform(values.begin(), values.end(), to.begin(), [](std::int64_t v) { return static_cast<std::int32_t>(v); });
}

// SAME_UPPER and SAME_LOWER: as many outputs as inputs, divided by the stride and rounded up.
void pad_same(Window &window, std::span<const std::int64_t> image, bool upper) {
  for (std::size_t axis = 0; axis < 2; ++axis) {
    const auto extent = static_cast<std::int32_t>(image[axis]);
    const std::int32_t stride = window.strides[axis], outputs = (extent + stride - 1) / stride;
    const std::int32_t reach = (window.kernel[axis] - 1) * window.dilations[axis] + 1;
    const std::int32_t total = std::max((outputs - 1) * stride + reach - extent, 0);
    window.pads[axis] = upper ? total / 2 : total - total / 2;
    window.pads[axis + 2] = total - window.pads[axis];
  }
}

}  // namespace

Window window_of(const sdk::Graph &graph, const sdk::Node &node, std::span<const std::int64_t> kernel,
                 std::span<const std::int64_t> image) {
  if (image.size() != 2) {
    throw sdk::Failure(HT_UNIMPLEMENTED, "Tern computes on images of channels, height and width", node.handle);
  }
  Window window;
  read(graph, node, "kernel_shape", window.kernel);
  read(graph, node, "strides", window.strides);
  read(graph, node, "dilations", window.dilations);
  read(graph, node, "pads", window.pads);
  if (!kernel.empty()) {
    window.kernel = {static_cast<std::int32_t>(kernel[0]), static_cast<std::int32_t>(kernel[1])};
  }
  const std::string automatic = graph.attribute_text(node.handle, "auto_pad", "NOTSET");
  if (automatic == "VALID") window.pads = {};
  if (automatic == "SAME_UPPER" || automatic == "SAME_LOWER") pad_same(window, image, automatic == "SAME_UPPER");
  return window;
}

}  // namespace tern
