// Kernel, strides, dilations and pads of convolutions and poolings, as ONNX states them.
#pragma once

#include "../builder.h"

namespace halftone::onednn {

class WindowAttributes {
 public:
  explicit WindowAttributes(const sdk::OpNode &node)
      : kernel_(node.integers("kernel_shape")),
        strides_(node.integers("strides")),
        dilations_(node.integers("dilations")),
        pads_(node.integers("pads")),
        auto_pad_(node.text("auto_pad", "NOTSET")) {}

  const std::vector<std::int64_t> &kernel() const { return kernel_; }
  bool automatic() const { return auto_pad_ != "NOTSET" && auto_pad_ != "VALID"; }

  // For spatial extents `in` and `out`; the end pads are made to fit `out`. Nullopt for pads that oneDNN does not take.
  std::optional<api::Window> resolve(const Shape &kernel, const Shape &in, const Shape &out) const;

 private:
  std::vector<std::int64_t> kernel_, strides_, dilations_, pads_;
  std::string auto_pad_;
};

inline Shape spatial(const Shape &shape) {
  return {shape.begin() + 2, shape.end()};
}

}  // namespace halftone::onednn
