#include "window.h"

#include <algorithm>

namespace halftone::trainer {

std::optional<api::Window> WindowAttributes::resolve(const Shape &kernel, const Shape &in, const Shape &out) const {
  const std::size_t axes = in.size();
  if (kernel.size() != axes || out.size() != axes) return std::nullopt;
  api::Window w;
  for (std::size_t i = 0; i < axes; ++i) {
    const std::int64_t stride = strides_.size() == axes ? strides_[i] : 1;
    const std::int64_t dilation = dilations_.size() == axes ? dilations_[i] : 1;
    const std::int64_t reach = (kernel[i] - 1) * dilation + 1;
    const std::int64_t both = (out[i] - 1) * stride + reach - in[i];
    std::int64_t before = pads_.size() == 2 * axes && !automatic() && auto_pad_ != "VALID" ? pads_[i] : 0;
    if (automatic()) {
      const std::int64_t needed = std::max<std::int64_t>(both, 0);
      before = auto_pad_ == "SAME_LOWER" ? needed - needed / 2 : needed / 2;
    }
    const std::int64_t after = both - before;  // below 0 where the last window leaves elements out
    if (before < 0 || before >= reach || after >= reach || in[i] + after < 1) return std::nullopt;
    w.strides.push_back(stride);
    w.dilations.push_back(dilation - 1);
    w.pads_begin.push_back(before);
    w.pads_end.push_back(after);
  }
  return w;
}

}  // namespace halftone::trainer
