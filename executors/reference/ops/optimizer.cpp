// Adagrad, Adam and Momentum of ai.onnx.preview.training: one step for any number of tensors. Source: ONNX operators of
// these names, version 1. Inputs: learning rate R, update count T, then all X, all gradients G, and the states.
#include <cmath>

#include "halftone/op_kernel.hpp"
#include "ops/shape.h"
#include "ops/types.h"

namespace halftone::reference {
namespace {

// Rule: kStates, a constructor from OpNode, and step(rate, count, gradient, x, states), which changes x and states.
template <typename Rule>
class Optimizer {
 public:
  explicit Optimizer(const sdk::OpNode &node) : rule_(node), decay_(node.number("norm_coefficient", 0.0)) {
    if (node.input_count() < 2 + Rule::kStates + 2 || (node.input_count() - 2) % (Rule::kStates + 2) != 0) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "the inputs are no R, T and whole groups of X, G and states");
    }
  }
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    const std::size_t tensors = (inputs.size() - 2) / (Rule::kStates + 2);
    if (outputs.size() != tensors * (1 + Rule::kStates)) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "the outputs are not one new X and new states for each group of inputs");
    }
    if (count_of(inputs[0]) != 1 || count_of(inputs[1]) != 1)
      throw sdk::Failure(HT_INVALID_ARGUMENT, "R and T must hold one number each");
    for (std::size_t i = 0; i < tensors; ++i) {
      const ht_tensor_view &x = inputs[2 + i], &gradient = inputs[2 + tensors + i];
      if (gradient.dtype != x.dtype || shape_copy(gradient) != shape_copy(x)) {
        throw sdk::Failure(HT_INVALID_ARGUMENT, "a gradient has not its tensor's type and shape");
      }
    }
    if (inputs[1].dtype != HT_I64) unsupported_type(inputs[1].dtype);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (i != 1) require_type(inputs[i].dtype, Types<float, double>{});
    }
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      const ht_tensor_view &x = inputs[2 + i % tensors];
      const std::size_t slot = i < tensors ? 2 + i : 2 + tensors + i;  // past the gradients
      if (inputs[slot].dtype != x.dtype || shape_copy(inputs[slot]) != shape_copy(x)) {
        throw sdk::Failure(HT_INVALID_ARGUMENT, "a state has not its tensor's type and shape");
      }
      sdk::set_type(outputs[i], x.dtype, shape_of(x));
    }
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const std::size_t tensors = (inputs.size() - 2) / (Rule::kStates + 2);
    const auto count = static_cast<double>(*in_data<std::int64_t>(inputs[1]));
    double rate = 0;
    dispatch(inputs[0].dtype, Types<float, double>{},
             [&]<typename T>() { rate = static_cast<double>(*in_data<T>(inputs[0])); });
    for (std::size_t t = 0; t < tensors; ++t) {
      dispatch(inputs[2 + t].dtype, Types<float, double>{}, [&]<typename T>() {
        for (std::int64_t i = 0; i < count_of(inputs[2 + t]); ++i) {
          auto x = static_cast<double>(in_data<T>(inputs[2 + t])[i]);
          const double gradient = decay_ * x + static_cast<double>(in_data<T>(inputs[2 + tensors + t])[i]);
          double states[Rule::kStates];
          for (std::size_t k = 0; k < Rule::kStates; ++k) {
            states[k] = static_cast<double>(in_data<T>(inputs[2 + (2 + k) * tensors + t])[i]);
          }
          rule_.step(rate, count, gradient, x, states);
          out_data<T>(outputs[t])[i] = static_cast<T>(x);
          for (std::size_t k = 0; k < Rule::kStates; ++k) {
            out_data<T>(outputs[(1 + k) * tensors + t])[i] = static_cast<T>(states[k]);
          }
        }
      });
    }
  }

 private:
  Rule rule_;
  double decay_;
};

struct AdagradRule {
  static constexpr std::size_t kStates = 1;
  explicit AdagradRule(const sdk::OpNode &node)
      : decay(node.number("decay_factor", 0.0)), epsilon(node.number("epsilon", 1e-6f)) {}
  void step(double rate, double count, double g, double &x, double *states) const {
    states[0] += g * g;
    x -= rate / (1 + count * decay) * g / (std::sqrt(states[0]) + epsilon);
  }
  double decay, epsilon;
};
struct AdamRule {
  static constexpr std::size_t kStates = 2;
  explicit AdamRule(const sdk::OpNode &node)
      : alpha(node.number("alpha", 0.9f)),
        beta(node.number("beta", 0.999f)),
        epsilon(node.number("epsilon", 1e-6f)),
        after(node.number("norm_coefficient_post", 0.0)) {}
  void step(double rate, double count, double g, double &x, double *states) const {
    states[0] = alpha * states[0] + (1 - alpha) * g;
    states[1] = beta * states[1] + (1 - beta) * g * g;
    if (count > 0) rate *= std::sqrt(1 - std::pow(beta, count)) / (1 - std::pow(alpha, count));
    x = (1 - after) * (x - rate * states[0] / (std::sqrt(states[1]) + epsilon));
  }
  double alpha, beta, epsilon, after;
};
struct MomentumRule {
  static constexpr std::size_t kStates = 1;
  explicit MomentumRule(const sdk::OpNode &node)
      : alpha(node.number("alpha", 0.0)),
        beta(node.number("beta", 0.0)),
        nesterov(node.text("mode", "") == "nesterov") {}
  void step(double rate, double count, double g, double &x, double *states) const {
    states[0] = alpha * states[0] + (count > 0 ? beta : 1.0) * g;
    x -= rate * (nesterov ? g + alpha * states[0] : states[0]);
  }
  double alpha, beta;
  bool nesterov;
};
using Adagrad = Optimizer<AdagradRule>;
using Adam = Optimizer<AdamRule>;
using Momentum = Optimizer<MomentumRule>;

}  // namespace
HALFTONE_OP_KERNEL_OF("ai.onnx.preview.training", Adagrad, "Adagrad", 1, 1)
HALFTONE_OP_KERNEL_OF("ai.onnx.preview.training", Adam, "Adam", 1, 1)
HALFTONE_OP_KERNEL_OF("ai.onnx.preview.training", Momentum, "Momentum", 1, 1)
}  // namespace halftone::reference
