// NegativeLogLikelihoodLoss and SoftmaxCrossEntropyLoss. The mean divides by the sum of the weights, and targets of
// ignore_index weigh nothing. Source: ONNX operators of these names, opset 12 and 13.
#include <cmath>
#include <optional>

#include "halftone/op_kernel.hpp"
#include "ops/product.h"
#include "ops/shape.h"
#include "ops/types.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

// kSoftmax: the input holds scores, of which the logarithm of the softmax along axis 1 is taken first.
template <bool kSoftmax>
class Loss {
 public:
  explicit Loss(const sdk::OpNode &node) : reduction_(node.text("reduction", "mean")) {
    if (node.attribute("ignore_index")) ignored_ = node.integer("ignore_index", 0);
    if (reduction_ != "none" && reduction_ != "sum" && reduction_ != "mean") {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "reduction '" + reduction_ + "' is none of none, sum and mean");
    }
  }
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[0].dtype, FloatTypes{});
    Shape wanted = shape_copy(inputs[0]);
    if (wanted.size() < 2) throw sdk::Failure(HT_INVALID_ARGUMENT, "the input has no class axis");
    if (sdk::present(inputs, 2) && count_of(inputs[2]) != wanted[1]) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "weight has not one entry per class");
    }
    wanted.erase(wanted.begin() + 1);
    if (shape_copy(inputs[1]) != wanted) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "the target's shape is not the input's without the class axis");
    }
    sdk::set_type(outputs[0], inputs[0].dtype, reduction_ == "none" ? wanted : Shape{});
    if (outputs.size() > 1) sdk::set_type(outputs[1], inputs[0].dtype, shape_of(inputs[0]));
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    dispatch(inputs[0].dtype, FloatTypes{}, [&]<typename T>() { compute<T>(inputs, outputs); });
  }

 private:
  static void log_softmax(std::vector<double> &x, std::int64_t samples, std::int64_t classes, std::int64_t inner) {
    for (std::int64_t r = 0; r < samples * inner; ++r) {
      double *row = x.data() + r / inner * classes * inner + r % inner;
      double top = row[0], sum = 0;
      for (std::int64_t c = 1; c < classes; ++c) top = std::max(top, row[c * inner]);
      for (std::int64_t c = 0; c < classes; ++c) sum += std::exp(row[c * inner] - top);
      for (std::int64_t c = 0; c < classes; ++c) row[c * inner] -= top + std::log(sum);
    }
  }
  template <typename T>
  void compute(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const ShapeSpan shape = shape_of(inputs[0]);
    const std::int64_t classes = shape[1], inner = count_of(shape, 2, shape.size());
    std::vector<double> x = widened<double>(in_data<T>(inputs[0]), count_of(shape));
    if (kSoftmax && classes > 0) log_softmax(x, shape[0], classes, inner);
    const Shape targets = integers_of(inputs[1]);
    double sum = 0, weights = 0;
    for (std::size_t i = 0; i < targets.size(); ++i) {
      const std::int64_t target = targets[i], at = static_cast<std::int64_t>(i);
      double weight = 0, loss = 0;
      if (!ignored_ || target != *ignored_) {
        if (target < 0 || target >= classes) {
          throw sdk::Failure(HT_INVALID_ARGUMENT, "target " + std::to_string(target) + " is no class");
        }
        weight = sdk::present(inputs, 2) ? static_cast<double>(in_data<T>(inputs[2])[target]) : 1.0;
        loss = -weight * x[static_cast<std::size_t>((at / inner * classes + target) * inner + at % inner)];
      }
      if (reduction_ == "none") out_data<T>(outputs[0])[i] = static_cast<T>(loss);
      sum += loss;
      weights += weight;
    }
    if (reduction_ != "none") out_data<T>(outputs[0])[0] = static_cast<T>(reduction_ == "mean" ? sum / weights : sum);
    if (outputs.size() < 2 || outputs[1].data == nullptr) return;
    for (std::size_t i = 0; i < x.size(); ++i) out_data<T>(outputs[1])[i] = static_cast<T>(x[i]);
  }
  std::string reduction_;
  std::optional<std::int64_t> ignored_;
};
using NegativeLogLikelihoodLoss = Loss<false>;
using SoftmaxCrossEntropyLoss = Loss<true>;

}  // namespace
HALFTONE_OP_KERNEL(NegativeLogLikelihoodLoss, "NegativeLogLikelihoodLoss", 12, kNewest)
HALFTONE_OP_KERNEL(SoftmaxCrossEntropyLoss, "SoftmaxCrossEntropyLoss", 12, kNewest)
}  // namespace halftone::reference
