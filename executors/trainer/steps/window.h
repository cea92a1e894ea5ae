// Strides, dilations and pads of a convolution, as ONNX states them.
#pragma once

#include <optional>
#include <string>

#include "../dnnl_api.h"
#include "../tensor.h"
#include "halftone/op_kernel.hpp"

namespace halftone::trainer {

class WindowAttributes {
 public:
  explicit WindowAttributes(const sdk::OpNode &node)
      : strides_(node.integers("strides")),
        dilations_(node.integers("dilations")),
        pads_(node.integers("pads")),
        auto_pad_(node.text("auto_pad", "NOTSET")) {}

  bool automatic() const { return auto_pad_ != "NOTSET" && auto_pad_ != "VALID"; }
  // For spatial extents of a convolution from `in` to `out`; the end pads are made to fit. Nothing for pads that oneDNN
  // does not take.
  std::optional<api::Window> resolve(const Shape &kernel, const Shape &in, const Shape &out) const;

 private:
  std::vector<std::int64_t> strides_, dilations_, pads_;
  std::string auto_pad_;
};

}  // namespace halftone::trainer
