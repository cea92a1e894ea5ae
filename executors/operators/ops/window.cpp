#include "ops/window.h"

#include <algorithm>
#include <limits>

namespace halftone::reference {

WindowAttributes::WindowAttributes(const sdk::OpNode &node)
    : kernel_shape(node.integers("kernel_shape")),
      strides(node.integers("strides")),
      dilations(node.integers("dilations")),
      pads(node.integers("pads")),
      auto_pad(node.text("auto_pad", "NOTSET")),
      ceil_mode(node.flag("ceil_mode", false)) {
  if (auto_pad != "NOTSET" && auto_pad != "VALID" && auto_pad != "SAME_UPPER" && auto_pad != "SAME_LOWER") {
    throw sdk::Failure(HT_INVALID_ARGUMENT, "auto_pad '" + auto_pad + "' is unknown");
  }
}

namespace {

// So that no product of two and no sum leaves 64 bits.
constexpr std::int64_t kMost = (std::int64_t{1} << 30) - 1;

Shape filled(const Shape &given, std::size_t count, std::int64_t deflt, const char *name) {
  if (given.empty()) return Shape(count, deflt);
  if (given.size() != count) {
    throw sdk::Failure(HT_INVALID_ARGUMENT, std::string("attribute ") + name + " has " + std::to_string(given.size()) +
                                                " entries where " + std::to_string(count) + " are needed");
  }
  return given;
}

}  // namespace

Window::Window(const WindowAttributes &attributes, ShapeSpan spatial, ShapeSpan kernel_shape)
    : input(spatial.begin(), spatial.end()) {
  const std::size_t n = spatial.size();
  kernel = kernel_shape.empty() ? filled(attributes.kernel_shape, n, 1, "kernel_shape")
                                : Shape(kernel_shape.begin(), kernel_shape.end());
  if (kernel.size() != n) {
    throw sdk::Failure(HT_INVALID_ARGUMENT,
                       "a kernel of " + std::to_string(kernel.size()) + " axes over " + std::to_string(n));
  }
  strides = filled(attributes.strides, n, 1, "strides");
  dilations = filled(attributes.dilations, n, 1, "dilations");
  for (const Shape *steps : {&kernel, &strides, &dilations}) {
    if (std::any_of(steps->begin(), steps->end(), [](std::int64_t step) { return step < 1 || step > kMost; })) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "kernel_shape, strides and dilations must be at least 1, and below 2^30");
    }
  }
  const Shape pads = filled(attributes.pads, 2 * n, 0, "pads");
  if (std::any_of(pads.begin(), pads.end(), [](std::int64_t pad) { return pad < -kMost || pad > kMost; })) {
    throw sdk::Failure(HT_INVALID_ARGUMENT, "pads must be below 2^30");
  }
  for (std::size_t i = 0; i < n; ++i) {
    const std::int64_t extent = (kernel[i] - 1) * dilations[i] + 1;
    if (attributes.auto_pad == "SAME_UPPER" || attributes.auto_pad == "SAME_LOWER") {
      const std::int64_t out = (input[i] + strides[i] - 1) / strides[i];
      const std::int64_t total = std::max<std::int64_t>(0, (out - 1) * strides[i] + extent - input[i]);
      const std::int64_t less = total / 2;
      begin.push_back(attributes.auto_pad == "SAME_UPPER" ? less : total - less);
      end.push_back(total - begin.back());
      output.push_back(out);
      continue;
    }
    const bool valid = attributes.auto_pad == "VALID";
    begin.push_back(valid ? 0 : pads[i]);
    end.push_back(valid ? 0 : pads[i + n]);
    const std::int64_t room = input[i] + begin[i] + end[i] - extent;
    std::int64_t out = room < 0 ? 0 : room / strides[i] + 1;
    if (attributes.ceil_mode && room >= 0 && room % strides[i] != 0) ++out;
    // A window that would start in the padding at the end is left out.
    if (attributes.ceil_mode && out > 0 && (out - 1) * strides[i] >= input[i] + begin[i]) --out;
    output.push_back(out);
  }
}

std::vector<std::int32_t> window_table(const Window &w) {
  if (count_of(w.input) > std::numeric_limits<std::int32_t>::max()) {
    throw sdk::Failure(HT_UNIMPLEMENTED, "a plane of more than 2^31 elements");
  }
  const std::size_t n = w.input.size();
  const std::int64_t positions = w.positions(), taps = w.taps();
  sdk::require_extents(Shape{positions, taps});
  std::vector<std::int32_t> table(static_cast<std::size_t>(positions * taps), 0);
  for (std::int64_t tap = 0; tap < taps; ++tap) {
    std::int32_t *row = table.data() + tap * positions;
    std::int64_t inner_taps = taps, repeat = positions;
    std::int64_t rest = tap;
    for (std::size_t axis = 0; axis < n; ++axis) {  // one axis at a time: offset = offset * extent + coordinate
      inner_taps /= w.kernel[axis];
      repeat /= std::max<std::int64_t>(1, w.output[axis]);
      const std::int64_t shift = rest / inner_taps * w.dilations[axis] - w.begin[axis];
      rest %= inner_taps;
      for (std::int64_t p = 0; p < positions; ++p) {
        const std::int64_t at = p / repeat % w.output[axis] * w.strides[axis] + shift;
        if (at >= w.input[axis] + w.end[axis]) row[p] = -2;
        if (row[p] < 0) continue;
        const bool inside = at >= 0 && at < w.input[axis];
        row[p] = inside ? static_cast<std::int32_t>(row[p] * w.input[axis] + at) : -1;
      }
    }
  }
  return table;
}

}  // namespace halftone::reference
