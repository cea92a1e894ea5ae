// Relu, Clip, and Add of equal shapes: element by element, in the order that the data has.
#include <limits>

#include "../kernels/elementwise.h"
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
    Tensor y = may_overwrite(run, 0) ? x : make_like(run.pool, x);
    relu(x.floats(), y.floats(), x.count());
    out(run, 0) = std::move(y);
  }

  void backward(ShardRun &run) const override {
    const Tensor &y = out(run, 0);
    const Tensor dy = take_arrived(run, 0, y.order);
    Tensor dx = dy.is_sole() ? dy : make_like(run.pool, dy);
    relu_gradient(y.floats(), dy.floats(), dx.floats(), y.count());
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
    Tensor y = may_overwrite(run, 0) ? x : make_like(run.pool, x);
    clip(x.floats(), low, high, y.floats(), x.count());
    out(run, 0) = std::move(y);
  }

  // As PyTorch's clamp: the gradient passes at the bounds.
  void backward(ShardRun &run) const override {
    if (wanted(1) || wanted(2)) return plain_backward(run);
    const Tensor &x = in(run, 0);
    const float low = bound(run, 1), high = bound(run, 2);
    const Tensor dy = take_arrived(run, 0, x.order);
    Tensor dx = dy.is_sole() ? dy : make_like(run.pool, dy);
    clip_gradient(x.floats(), low, high, dy.floats(), dx.floats(), x.count());
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
    const bool over_b = in(run, 1).order == a.order && may_overwrite(run, 1);
    const Tensor b = in_order(run.pool, in(run, 1), a.order);
    Tensor y = may_overwrite(run, 0) ? a : over_b ? b : make_like(run.pool, a);
    add(a.floats(), b.floats(), y.floats(), a.count());
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
