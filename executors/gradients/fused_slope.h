// Back through the activation that FusedConv and FusedGemm apply to their result, by the result alone.
#pragma once

#include <string>
#include <vector>

#include "halftone/op_gradient.hpp"

namespace halftone::gradients {

class FusedSlope {
 public:
  explicit FusedSlope(const sdk::OpNode &node) : name_(node.text("activation", "")) {
    for (const float value : node.numbers("activation_params")) parameters_.push_back(static_cast<double>(value));
    if (parameters_.empty()) {
      parameters_ = {node.number("activation_alpha", name_ == "HardSigmoid" ? 0.2f : 0.01f),
                     node.number("activation_beta", 0.5)};
    }
    for (const char *known : {"", "Relu", "Tanh", "Sigmoid", "LeakyRelu", "Clip", "HardSigmoid", "Elu"}) {
      if (name_ == known) return;
    }
    throw sdk::Failure(HT_UNIMPLEMENTED, "activation '" + name_ + "'");
  }
  // dy times the activation's slope: the gradient of what it was applied to.
  std::vector<float> before(const sdk::Backward &pass) const {
    const auto dy = pass.dy(), y = pass.y();
    std::vector<float> out(dy.begin(), dy.end());
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] = static_cast<float>(static_cast<double>(dy[i]) * slope(static_cast<double>(y[i])));
    }
    return out;
  }

 private:
  double slope(double y) const {
    if (name_ == "Relu") return y > 0 ? 1.0 : 0.0;
    if (name_ == "Tanh") return 1 - y * y;
    if (name_ == "Sigmoid") return y * (1 - y);
    if (name_ == "LeakyRelu") return y > 0 ? 1.0 : parameters_.at(0);
    if (name_ == "Elu") return y > 0 ? 1.0 : y + parameters_.at(0);
    if (name_ == "Clip") return y > parameters_.at(0) && y < parameters_.at(1) ? 1.0 : 0.0;
    if (name_ == "HardSigmoid") return y > 0 && y < 1 ? parameters_.at(0) : 0.0;
    return 1.0;
  }
  std::string name_;
  std::vector<double> parameters_;
};

}  // namespace halftone::gradients
