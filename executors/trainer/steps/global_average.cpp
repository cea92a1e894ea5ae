// GlobalAveragePool, and AveragePool whose one window is all of the input: means over positions of channels-last data.
// All else is left to the plain kernels.
#include <algorithm>
#include <cstring>

#include "../kernels/sums.h"
#include "../operators.h"
#include "kernel_step.h"

namespace halftone::trainer {
namespace {

bool all_are(const std::vector<std::int64_t> &values, std::int64_t value) {
  return std::all_of(values.begin(), values.end(), [value](std::int64_t v) { return v == value; });
}

class GlobalAverageStep final : public StepWithPlainForm {
 public:
  GlobalAverageStep(const sdk::Context &ctx, const sdk::OpNode &node)
      : StepWithPlainForm(ctx, node.node()),
        kernel_(node.integers("kernel_shape")),
        moves_(!all_are(node.integers("pads"), 0) || !all_are(node.integers("dilations"), 1) ||
               node.text("auto_pad", "NOTSET").substr(0, 4) == "SAME") {}

  void forward(ShardRun &run) const override {
    const Tensor &x = in(run, 0);
    if (!takes(x)) return plain_.forward(run);
    Shape shape(x.shape.size(), 1);
    std::copy_n(x.shape.begin(), 2, shape.begin());
    Tensor y = make_tensor(run.pool, HT_F32, std::move(shape));
    const std::size_t channels = static_cast<std::size_t>(x.shape[1]), count = positions(x);
    const float *from = x.floats();
    float *to = y.floats();
    for (std::int64_t row = 0; row < x.shape[0]; ++row, from += count * channels, to += channels) {
      sum_of_rows(from, count, channels, to);
      for (std::size_t c = 0; c < channels; ++c) to[c] /= static_cast<float>(count);
    }
    out(run, 0) = std::move(y);
  }

  void backward(ShardRun &run) const override {
    const Tensor &x = in(run, 0);
    if (!takes(x)) return plain_backward(run);
    const Tensor dy = in_order(run.pool, arrived(run, 0), Order::kPlain);
    Tensor dx = make_like(run.pool, x);
    const std::size_t channels = static_cast<std::size_t>(x.shape[1]), count = positions(x);
    const float *from = dy.floats();
    float *to = dx.floats();
    for (std::int64_t row = 0; row < x.shape[0]; ++row, from += channels) {
      const float *first = to;
      for (std::size_t c = 0; c < channels; ++c) *to++ = from[c] / static_cast<float>(count);
      for (std::size_t p = 1; p < count; ++p, to += channels) std::memcpy(to, first, channels * sizeof(float));
    }
    run.deliver(inputs[0], std::move(dx));
  }

  std::uint64_t reads_inputs() const override { return plain_reads_inputs(); }
  std::uint64_t reads_outputs() const override { return plain_reads_outputs(); }

 private:
  static std::size_t positions(const Tensor &x) { return count_of(Shape(x.shape.begin() + 2, x.shape.end())); }
  // Only the type, shape and order of the input are read.
  bool takes(const Tensor &x) const {
    if (x.dtype != HT_F32 || x.order != Order::kChannelsLast || x.count() == 0 || moves_) return false;
    return kernel_.empty() || std::equal(kernel_.begin(), kernel_.end(), x.shape.begin() + 2, x.shape.end());
  }

  std::vector<std::int64_t> kernel_;  // none: as large as the input
  bool moves_;                        // the window may stand elsewhere than over all of the input
};

const OperatorEntry kGlobalAveragePool("GlobalAveragePool", &make_step<GlobalAverageStep>);
const OperatorEntry kAveragePool("AveragePool", &make_step<GlobalAverageStep>);

}  // namespace
}  // namespace halftone::trainer
