// The activation that FusedConv and FusedGemm of com.microsoft apply to their result. Source: ONNX Runtime's
// ContribOperators.md.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "halftone/op_kernel.hpp"
#include "ops/reals.h"

namespace halftone::reference {

class FusedActivation {
 public:
  // Without a name the result stays as it is. FusedConv lists its parameters, FusedGemm names them.
  explicit FusedActivation(const sdk::OpNode &node) : name_(node.text("activation", "")) {
    for (const float value : node.numbers("activation_params")) parameters_.push_back(static_cast<double>(value));
    if (parameters_.empty() && (name_ == "LeakyRelu" || name_ == "HardSigmoid" || name_ == "Clip" || name_ == "Elu")) {
      parameters_ = {node.number("activation_alpha", name_ == "HardSigmoid" ? 0.2f : 0.01f),
                     node.number("activation_beta", 0.5)};
    }
    const std::vector<std::string> known = {"", "Relu", "Tanh", "Sigmoid", "LeakyRelu", "Clip", "HardSigmoid", "Elu"};
    if (std::ranges::find(known, name_) == known.end()) {
      throw sdk::Failure(HT_UNIMPLEMENTED, "activation '" + name_ + "'");
    }
    const std::size_t needed = name_ == "Clip" || name_ == "HardSigmoid" ? 2 : (name_ == "LeakyRelu" ? 1 : 0);
    if (parameters_.size() < needed) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "activation '" + name_ + "' lacks its parameters");
    }
  }
  void apply(ht_tensor_view &tensor) const {
    if (name_.empty()) return;
    std::vector<double> values = reals_of(tensor);
    for (double &x : values) x = of(x);
    store_reals(values, tensor);
  }

 private:
  double of(double x) const {
    if (name_ == "Relu") return x < 0 ? 0 : x;
    if (name_ == "Tanh") return std::tanh(x);
    if (name_ == "Sigmoid") return 1 / (1 + std::exp(-x));
    if (name_ == "LeakyRelu") return x < 0 ? parameters_[0] * x : x;
    if (name_ == "Elu") return x < 0 ? parameters_[0] * std::expm1(x) : x;
    if (name_ == "Clip") return std::min(std::max(x, parameters_[0]), parameters_[1]);
    return std::clamp(parameters_[0] * x + parameters_[1], 0.0, 1.0);
  }
  std::string name_;
  std::vector<double> parameters_;
};

}  // namespace halftone::reference
