// Gradients of elementwise functions of one tensor. A derivative class may have a constructor from OpNode, and has
// operator()(double): the derivative by x.
#pragma once

#include "halftone/op_gradient.hpp"

namespace halftone::gradients {

enum class Of { kInput, kOutput };

// kOf: whether the derivative is written in terms of x or of y.
template <typename Derivative, Of kOf>
class UnaryGradient {
 public:
  static constexpr sdk::GradientUse kUse = {.reads_inputs = kOf == Of::kInput ? sdk::slots(0) : 0,
                                            .reads_outputs = kOf == Of::kOutput ? sdk::slots(0) : 0,
                                            .differentiates = sdk::slots(0)};
  explicit UnaryGradient(const sdk::OpNode &node) : derivative_(make(node)) {}
  void backward(const sdk::Backward &pass) const {
    if (!pass.wants()) return;
    const auto values = kOf == Of::kInput ? pass.x() : pass.y(), dy = pass.dy();
    const auto dx = pass.dx();
    for (std::size_t i = 0; i < dx.size(); ++i) {
      dx[i] = static_cast<float>(static_cast<double>(dy[i]) * derivative_(static_cast<double>(values[i])));
    }
  }

 private:
  static Derivative make(const sdk::OpNode &node) {
    if constexpr (std::is_constructible_v<Derivative, const sdk::OpNode &>) {
      return Derivative(node);
    } else {
      return Derivative{};
    }
  }
  Derivative derivative_;
};

template <typename Derivative>
using OfInput = UnaryGradient<Derivative, Of::kInput>;
template <typename Derivative>
using OfOutput = UnaryGradient<Derivative, Of::kOutput>;

}  // namespace halftone::gradients
