#include "window.h"

#include <algorithm>

namespace halftone::onednn {

std::optional<api::Window> WindowAttributes::resolve(const Shape &kernel, const Shape &in, const Shape &out) const {
  const std::size_t rank = in.size();
  if (kernel.size() != rank || out.size() != rank) return std::nullopt;
  api::Window w;
  w.kernel = kernel;
  w.strides = strides_.empty() ? Dims(rank, 1) : Dims(strides_);
  w.dilations = dilations_.empty() ? Dims(rank, 1) : Dims(dilations_);
  if (w.strides.size() != rank || w.dilations.size() != rank) return std::nullopt;
  for (std::size_t i = 0; i < rank; ++i) {
    const std::int64_t span = (kernel[i] - 1) * w.dilations[i] + 1;
    const std::int64_t total = (out[i] - 1) * w.strides[i] + span - in[i];
    std::int64_t begin = pads_.size() == 2 * rank ? pads_[i] : 0;
    if (automatic()) {
      const std::int64_t needed = std::max<std::int64_t>(total, 0);
      begin = auto_pad_ == "SAME_LOWER" ? needed - needed / 2 : needed / 2;
    }
    // What the last window does not reach may be cut off, so the end pad may come out negative: that is allowed.
    const std::int64_t end = total - begin;
    if (begin < 0 || begin >= span || end >= span || in[i] + end < 1) return std::nullopt;
    w.pads_begin.push_back(begin);
    w.pads_end.push_back(end);
    --w.dilations[i];
  }
  return w;
}

}  // namespace halftone::onednn
