#include "ops/pad_sources.h"

namespace halftone::reference {

Pads::Pads(sdk::KernelInputs inputs) {
  const std::size_t rank = inputs[0].rank;
  const Shape pads = integers_of(inputs[1]);
  Shape axes = sdk::present(inputs, 3) ? integers_of(inputs[3]) : Shape{};
  if (!sdk::present(inputs, 3)) {
    for (std::size_t i = 0; i < rank; ++i) axes.push_back(static_cast<std::int64_t>(i));
  }
  if (pads.size() != 2 * axes.size()) throw sdk::Failure(HT_INVALID_ARGUMENT, "pads has not two entries per axis");
  begin.assign(rank, 0);
  end.assign(rank, 0);
  for (std::size_t i = 0; i < axes.size(); ++i) {
    begin[axis_of(axes[i], rank)] = pads[i];
    end[axis_of(axes[i], rank)] = pads[i + axes.size()];
  }
}

void require_pad_mode(const std::string &mode) {
  if (mode != "constant" && mode != "reflect" && mode != "edge" && mode != "wrap") {
    throw sdk::Failure(HT_UNIMPLEMENTED, "mode '" + mode + "'");
  }
}

namespace {

// The coordinate that stands at `at`, -1 for the constant.
std::int64_t source(const std::string &mode, std::int64_t at, std::int64_t extent) {
  if (at >= 0 && at < extent) return at;
  if (mode == "constant") return -1;
  if (mode == "edge") return at < 0 ? 0 : extent - 1;
  if (mode == "wrap") return (at % extent + extent) % extent;
  if (extent == 1) return 0;
  const std::int64_t period = 2 * (extent - 1), phase = (at % period + period) % period;
  return phase < extent ? phase : period - phase;
}

}  // namespace

std::vector<Shape> pad_sources(const std::string &mode, const Pads &pads, ShapeSpan from, ShapeSpan to) {
  std::vector<Shape> sources(to.size());
  const Shape strides = strides_of(from);
  for (std::size_t i = 0; i < to.size(); ++i) {
    for (std::int64_t p = 0; p < to[i]; ++p) {
      const std::int64_t at = source(mode, p - pads.begin[i], from[i]);
      sources[i].push_back(at < 0 ? -1 : at * strides[i]);
    }
  }
  return sources;
}

}  // namespace halftone::reference
