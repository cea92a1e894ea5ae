// Relu, Clip, and Add of equal shapes: element by element, in the order that the data has.
#include <limits>

#include "../operators.h"
#include "kernel_step.h"

namespace halftone::trainer {
namespace {

class ReluStep final : public StepWithPlainForm {
 public:
  using StepWithPlainForm::StepWithPlainForm;

  void forward(ShardRun &run) const override {
    const Tensor &x = in(run, 0);
    if (x.dtype != HT_F32) return plain_.forward(run);
    Tensor y = make_like(run.pool, x);
    const float *from = x.floats();
    float *to = y.floats();
    const std::size_t n = x.count();
    for (std::size_t i = 0; i < n; ++i) {
      const float v = from[i];
      to[i] = v < 0.0F ? 0.0F : v;  // NaN stays
    }
    out(run, 0) = std::move(y);
  }

  void backward(ShardRun &run) const override {
    const Tensor &y = out(run, 0);
    const Tensor dy = in_order(run.pool, arrived(run, 0), y.order);
    Tensor dx = make_like(run.pool, y);
    const float *value = y.floats(), *from = dy.floats();
    float *to = dx.floats();
    const std::size_t n = y.count();
    for (std::size_t i = 0; i < n; ++i) {
      const float g = from[i];  // read in any case, so that no branch depends on the data
      to[i] = value[i] > 0.0F ? g : 0.0F;
    }
    run.deliver(inputs[0], std::move(dx));
  }

  std::uint64_t reads_inputs() const override { return 0; }
  std::uint64_t reads_outputs() const override { return 1; }
};

// Clip of opset 11 and newer, whose bounds are inputs.
class ClipStep final : public StepWithPlainForm {
 public:
  using StepWithPlainForm::StepWithPlainForm;

  void forward(ShardRun &run) const override {
    const Tensor &x = in(run, 0);
    if (x.dtype != HT_F32) return plain_.forward(run);
    const float low = bound(run, 1), high = bound(run, 2);
    Tensor y = make_like(run.pool, x);
    const float *from = x.floats();
    float *to = y.floats();
    const std::size_t n = x.count();
    for (std::size_t i = 0; i < n; ++i) {
      const float v = from[i], above = v < low ? low : v;  // NaN stays
      to[i] = above > high ? high : above;
    }
    out(run, 0) = std::move(y);
  }

  // As PyTorch's clamp: the gradient passes at the bounds.
  void backward(ShardRun &run) const override {
    if (wanted(1) || wanted(2)) return plain_backward(run);
    const Tensor &x = in(run, 0);
    const float low = bound(run, 1), high = bound(run, 2);
    const Tensor dy = in_order(run.pool, arrived(run, 0), x.order);
    Tensor dx = make_like(run.pool, x);
    const float *value = x.floats(), *from = dy.floats();
    float *to = dx.floats();
    const std::size_t n = x.count();
    for (std::size_t i = 0; i < n; ++i) {
      const float g = from[i], v = value[i];
      to[i] = (v >= low) & (v <= high) ? g : 0.0F;
    }
    run.deliver(inputs[0], std::move(dx));
  }

  std::uint64_t reads_inputs() const override { return plain_reads_inputs() | 7; }
  std::uint64_t reads_outputs() const override { return plain_reads_outputs(); }

 private:
  float bound(const ShardRun &run, std::size_t slot) const {
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    if (!has_in(slot)) return slot == 1 ? -kInfinity : kInfinity;
    return in(run, slot).floats()[0];
  }
};

class AddStep final : public StepWithPlainForm {
 public:
  using StepWithPlainForm::StepWithPlainForm;

  void forward(ShardRun &run) const override {
    const Tensor &a = in(run, 0);
    if (!is_own(run)) return plain_.forward(run);
    const Tensor b = in_order(run.pool, in(run, 1), a.order);
    Tensor y = make_like(run.pool, a);
    const float *p = a.floats(), *q = b.floats();
    float *to = y.floats();
    const std::size_t n = a.count();
    for (std::size_t i = 0; i < n; ++i) to[i] = p[i] + q[i];
    out(run, 0) = std::move(y);
  }
  void backward(ShardRun &run) const override {
    if (!is_own(run)) return plain_backward(run);
    const Tensor dy = arrived(run, 0);
    for (std::size_t i = 0; i < 2; ++i) {
      if (wanted(i)) run.deliver(inputs[i], dy);
    }
  }
  std::uint64_t reads_inputs() const override { return plain_reads_inputs(); }
  std::uint64_t reads_outputs() const override { return plain_reads_outputs(); }

 private:
  bool is_own(const ShardRun &run) const {
    const Tensor &a = in(run, 0), &b = in(run, 1);
    return a.dtype == HT_F32 && b.dtype == HT_F32 && a.shape == b.shape;
  }
};

template <typename T>
std::unique_ptr<Step> make(const sdk::Context &ctx, const sdk::OpNode &node) {
  return std::make_unique<T>(ctx, node.node());
}

const OperatorEntry kRelu("Relu", &make<ReluStep>);
std::unique_ptr<Step> make_clip(const sdk::Context &ctx, const sdk::OpNode &node) {
  return node.opset() >= 11 ? make<ClipStep>(ctx, node) : nullptr;
}

const OperatorEntry kClip("Clip", &make_clip);
const OperatorEntry kAdd("Add", &make<AddStep>);

}  // namespace
}  // namespace halftone::trainer
