#include "ops/transposed_window.h"

#include <algorithm>

namespace halftone::reference {

TransposedAttributes::TransposedAttributes(const sdk::OpNode &node)
    : plain(node),
      group(node.integer("group", 1)),
      output_padding(node.integers("output_padding")),
      output_shape(node.integers("output_shape")) {
  if (group < 1) throw sdk::Failure(HT_INVALID_ARGUMENT, "group must be at least 1");
}

Window TransposedAttributes::window(ShapeSpan x, ShapeSpan w) const {
  const std::size_t n = x.size() - 2;
  const auto at = [](const Shape &values, std::size_t i, std::int64_t deflt) {
    return i < values.size() ? values[i] : deflt;
  };
  WindowAttributes padded = plain;
  padded.auto_pad = "NOTSET";
  padded.pads.assign(2 * n, 0);
  const bool same = plain.auto_pad == "SAME_UPPER" || plain.auto_pad == "SAME_LOWER";
  const bool valid = plain.auto_pad == "VALID";
  if (!output_shape.empty() && output_shape.size() < n) {
    throw sdk::Failure(HT_INVALID_ARGUMENT, "output_shape has fewer entries than there are spatial axes");
  }
  Shape result(n);
  for (std::size_t i = 0; i < n; ++i) {
    const std::int64_t stride = at(plain.strides, i, 1), extra = at(output_padding, i, 0);
    const std::int64_t extent = (w[i + 2] - 1) * at(plain.dilations, i, 1) + 1;
    const std::int64_t full = stride * (x[i + 2] - 1) + extra + extent;
    std::int64_t begin = valid ? 0 : at(plain.pads, i, 0), end = valid ? 0 : at(plain.pads, i + n, 0);
    if (!output_shape.empty() || same) {
      // Some exporters give batch and channels too; the last entries are the spatial ones.
      result[i] = output_shape.empty() ? x[i + 2] * stride : output_shape[output_shape.size() - n + i];
      const std::int64_t total = std::max<std::int64_t>(0, full - result[i]);
      begin = plain.auto_pad == "SAME_UPPER" ? total / 2 : total - total / 2;
      end = total - begin;
    } else {
      result[i] = full - begin - end;
    }
    padded.pads[i] = begin;
    padded.pads[i + n] = end;
  }
  Window window(padded, result, w.subspan(2));
  window.output.assign(x.begin() + 2, x.end());  // not what division makes of it: output_padding adds rows
  return window;
}

}  // namespace halftone::reference
