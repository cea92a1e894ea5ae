// Gradients of Sum, Mean, Min and Max of any number of tensors. Where several are the greatest or the least, they share
// the gradient in equal parts, as PyTorch's maximum() does of two.
#include "broadcasting.h"

namespace halftone::gradients {
namespace {

template <bool kMean>
class SumGradient {
 public:
  static constexpr sdk::GradientUse kUse = {.differentiates = sdk::slots_from(0)};
  explicit SumGradient(const sdk::OpNode &) {}
  void backward(const sdk::Backward &pass) const {
    const double factor = kMean ? 1.0 / static_cast<double>(pass.input_count()) : 1.0;
    for (std::size_t slot = 0; slot < pass.input_count(); ++slot) {
      sum_to_operand<0>(pass, slot, {}, [&](const auto &, std::size_t) { return factor; });
    }
  }
};

// Of Min and Max alike: an operand has a part where it equals the output.
class ExtremeGradient {
 public:
  static constexpr sdk::GradientUse kUse = {
      .reads_inputs = sdk::slots_from(0), .reads_outputs = sdk::slots(0), .differentiates = sdk::slots_from(0)};
  explicit ExtremeGradient(const sdk::OpNode &) {}
  void backward(const sdk::Backward &pass) const {
    const auto y = pass.y();
    const ShapeSpan shape = pass.output_shape();
    std::vector<float> sharers(y.size(), 0.0F);
    for (std::size_t slot = 0; slot < pass.input_count(); ++slot) {
      const auto x = pass.x(slot);
      for_each_element<2>(shape, {strides_of(shape), broadcast_strides(pass.input_shape(slot), shape)},
                          [&](const auto &at) {
                            const auto i = static_cast<std::size_t>(at[0]);
                            if (x[static_cast<std::size_t>(at[1])] == y[i]) sharers[i] += 1.0F;
                          });
    }
    for (std::size_t slot = 0; slot < pass.input_count(); ++slot) {
      const auto x = pass.x(slot);
      sum_to_operand<1>(pass, slot, {slot}, [&](const auto &at, std::size_t i) {
        return x[at[0]] == y[i] ? 1.0 / static_cast<double>(sharers[i]) : 0.0;
      });
    }
  }
};
using PlainSum = SumGradient<false>;
using MeanGradient = SumGradient<true>;

}  // namespace
HALFTONE_OP_GRADIENT(ExtremeGradient, "Min", 8, kNewest)
HALFTONE_OP_GRADIENT(ExtremeGradient, "Max", 8, kNewest)
HALFTONE_OP_GRADIENT(PlainSum, "Sum", 8, kNewest)
HALFTONE_OP_GRADIENT(MeanGradient, "Mean", 8, kNewest)
}  // namespace halftone::gradients
