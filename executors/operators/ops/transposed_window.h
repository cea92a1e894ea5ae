// ConvTranspose's window: that of the convolution whose gradient it is.
#pragma once

#include "ops/window.h"

namespace halftone::reference {

// The attributes of a ConvTranspose node.
struct TransposedAttributes {
  explicit TransposedAttributes(const sdk::OpNode &node);
  // The window's input is the operator's output, its output the operator's input. Shapes as the operator has them.
  Window window(ShapeSpan x, ShapeSpan w) const;

  WindowAttributes plain;
  std::int64_t group;
  Shape output_padding, output_shape;
};

}  // namespace halftone::reference
