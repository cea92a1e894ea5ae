// Sliding windows over the spatial axes, as Conv and the pools share them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "halftone/op_kernel.hpp"
#include "ops/shape.h"

namespace halftone::reference {

// The attributes of a node with windows.
struct WindowAttributes {
  explicit WindowAttributes(const sdk::OpNode &node);
  Shape kernel_shape, strides, dilations, pads;  // empty where the node leaves them out
  std::string auto_pad;
  bool ceil_mode;
};

// The same for one input: everything has its number.
struct Window {
  // `kernel` is the spatial kernel shape; the attribute's where it is empty.
  Window(const WindowAttributes &attributes, ShapeSpan input, ShapeSpan kernel);
  std::int64_t taps() const { return count_of(kernel); }
  std::int64_t positions() const { return count_of(output); }

  Shape input, kernel, strides, dilations, begin, end, output;  // per spatial axis; begin, end: padding
};

// For every tap (slow) and output position (fast): the element's offset in the input plane, -1 in the padding and -2
// beyond it, where ceil_mode lets a window reach.
std::vector<std::int32_t> window_table(const Window &window);

}  // namespace halftone::reference
