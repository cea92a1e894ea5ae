// Slice and Pad of channels-last data: a box of one tensor is a box of the other, in whatever order both lie. Other
// orders and modes are left to the plain kernels.
#include <algorithm>
#include <cstring>
#include <optional>

#include "../operators.h"
#include "kernel_step.h"

namespace halftone::trainer {
namespace {

// Element k of an axis is in_start + k * step of the input and out_start + k of the output.
struct AxisBox {
  std::int64_t in_start = 0, step = 1, out_start = 0, count = 0, out_extent = 0;
};
using Box = std::vector<AxisBox>;

std::vector<std::int64_t> integers(const Tensor &tensor) {
  std::vector<std::int64_t> out(tensor.count());
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (tensor.dtype == HT_I64) {
      out[i] = reinterpret_cast<const std::int64_t *>(tensor.data.get())[i];
    } else {
      out[i] = reinterpret_cast<const std::int32_t *>(tensor.data.get())[i];
    }
  }
  return out;
}

// In elements, by logical axis, of channels-last data.
std::vector<std::int64_t> strides_of(const Shape &shape) {
  std::vector<std::int64_t> strides(shape.size());
  strides[1] = 1;
  std::int64_t stride = shape[1];
  for (std::size_t i = shape.size(); i-- > 2;) {
    strides[i] = stride;
    stride *= shape[i];
  }
  strides[0] = stride;
  return strides;
}

// Copies from the input's box to the output's, or back.
struct Copy {
  const Box &box;
  std::vector<std::int64_t> in_strides, out_strides;
  float *in, *out;
  bool back;

  void run(std::size_t depth, std::int64_t in_at, std::int64_t out_at) const {
    const std::size_t rank = box.size();
    const std::size_t axis = depth == 0 ? 0 : depth + 1 < rank ? depth + 1 : 1;  // channels innermost
    const AxisBox &a = box[axis];
    in_at += a.in_start * in_strides[axis];
    out_at += a.out_start * out_strides[axis];
    if (depth + 1 == rank) return line(a, in_at, out_at);
    for (std::int64_t k = 0; k < a.count; ++k) {
      run(depth + 1, in_at + k * a.step * in_strides[axis], out_at + k * out_strides[axis]);
    }
  }

 private:
  // Lines are short, and a call for each would take longer than they do.
  static void copy(const float *from, float *to, std::size_t count) {
    constexpr std::size_t kPiece = 16;
    for (; count >= kPiece; count -= kPiece, from += kPiece, to += kPiece) {
      std::memcpy(to, from, kPiece * sizeof(float));
    }
    if (count != 0) std::memcpy(to, from, count * sizeof(float));
  }

  void line(const AxisBox &a, std::int64_t in_at, std::int64_t out_at) const {
    float *p = in + in_at, *q = out + out_at;
    if (a.step == 1) return copy(back ? q : p, back ? p : q, static_cast<std::size_t>(a.count));
    for (std::int64_t k = 0; k < a.count; ++k) (back ? p[k * a.step] : q[k]) = back ? q[k] : p[k * a.step];
  }
};

class BoxStep : public StepWithPlainForm {
 public:
  using StepWithPlainForm::StepWithPlainForm;

  void forward(ShardRun &run) const override {
    const Tensor &x = in(run, 0);
    const auto found = box(run);
    if (!found) return plain_.forward(run);
    Shape shape;
    for (const AxisBox &a : *found) shape.push_back(a.out_extent);
    Tensor y = make_tensor(run.pool, HT_F32, std::move(shape), Order::kChannelsLast);
    std::fill_n(y.floats(), y.count(), fill(run));
    Copy{*found, strides_of(x.shape), strides_of(y.shape), x.floats(), y.floats(), false}.run(0, 0, 0);
    out(run, 0) = std::move(y);
  }

  void backward(ShardRun &run) const override {
    const Tensor &x = in(run, 0);
    const auto found = wants_data_only() ? box(run) : std::nullopt;
    if (!found) return plain_backward(run);
    const Tensor dy = in_order(run.pool, arrived(run, 0), Order::kChannelsLast);
    Tensor dx = make_tensor(run.pool, HT_F32, x.shape, Order::kChannelsLast);
    std::fill_n(dx.floats(), dx.count(), 0.0F);
    Copy{*found, strides_of(x.shape), strides_of(dy.shape), dx.floats(), dy.floats(), true}.run(0, 0, 0);
    run.deliver(inputs[0], std::move(dx));
  }

  // Where the box lies, read from the other inputs.
  std::uint64_t reads_inputs() const override { return plain_reads_inputs() | ~std::uint64_t{1}; }
  std::uint64_t reads_outputs() const override { return plain_reads_outputs(); }

 protected:
  // Nothing for a form that is left to the plain kernel. Only shapes of the first input are read.
  virtual std::optional<Box> box(const ShardRun &run) const = 0;
  virtual float fill(const ShardRun &) const { return 0.0F; }
  static bool takes(const Tensor &x) {
    return x.dtype == HT_F32 && x.order == Order::kChannelsLast && x.shape.size() >= 3 && count_of(x.shape) != 0;
  }

 private:
  bool wants_data_only() const {
    for (std::size_t i = 1; i < wants.size(); ++i) {
      if (wanted(i)) return false;
    }
    return true;
  }
};

class SliceStep final : public BoxStep {
 public:
  using BoxStep::BoxStep;

 protected:
  std::optional<Box> box(const ShardRun &run) const override {
    const Tensor &x = in(run, 0);
    if (!takes(x) || inputs.size() < 3) return std::nullopt;
    const auto rank = static_cast<std::int64_t>(x.shape.size());
    const std::vector<std::int64_t> starts = integers(in(run, 1)), ends = integers(in(run, 2));
    const std::vector<std::int64_t> axes = has_in(3) ? integers(in(run, 3)) : std::vector<std::int64_t>{};
    const std::vector<std::int64_t> steps = has_in(4) ? integers(in(run, 4)) : std::vector<std::int64_t>{};
    Box found(x.shape.size());
    for (std::size_t i = 0; i < found.size(); ++i) found[i].count = found[i].out_extent = x.shape[i];
    for (std::size_t i = 0; i < starts.size(); ++i) {
      std::int64_t axis = axes.empty() ? static_cast<std::int64_t>(i) : axes[i];
      if (axis < 0) axis += rank;
      const std::int64_t step = steps.empty() ? 1 : steps[i];
      if (axis < 0 || axis >= rank || step < 1) return std::nullopt;  // backwards: the plain kernel
      const std::int64_t extent = x.shape[static_cast<std::size_t>(axis)];
      const auto place = [extent](std::int64_t at) {
        return std::clamp<std::int64_t>(at < 0 ? at + extent : at, 0, extent);
      };
      const std::int64_t start = place(starts[i]), end = place(ends[i]);
      if (end <= start) return std::nullopt;
      AxisBox &a = found[static_cast<std::size_t>(axis)];
      a.in_start = start;
      a.step = step;
      a.count = a.out_extent = (end - start + step - 1) / step;
    }
    return found;
  }
};

class PadStep final : public BoxStep {
 public:
  PadStep(const sdk::Context &ctx, const sdk::OpNode &node)
      : BoxStep(ctx, node.node()), constant_(node.text("mode", "constant") == "constant") {}

 protected:
  std::optional<Box> box(const ShardRun &run) const override {
    const Tensor &x = in(run, 0);
    if (!constant_ || !takes(x) || has_in(3)) return std::nullopt;
    const std::vector<std::int64_t> pads = integers(in(run, 1));
    const std::size_t rank = x.shape.size();
    if (pads.size() != 2 * rank) return std::nullopt;
    Box found(rank);
    for (std::size_t i = 0; i < rank; ++i) {
      const std::int64_t begin = pads[i], end = pads[i + rank];
      if (begin < 0 || end < 0) return std::nullopt;  // cuts as well
      found[i] = {0, 1, begin, x.shape[i], x.shape[i] + begin + end};
    }
    return found;
  }
  float fill(const ShardRun &run) const override { return has_in(2) ? in(run, 2).floats()[0] : 0.0F; }

 private:
  bool constant_;
};

std::unique_ptr<Step> make_slice(const sdk::Context &ctx, const sdk::OpNode &node) {
  return node.opset() >= 10 ? std::make_unique<SliceStep>(ctx, node.node()) : nullptr;
}
std::unique_ptr<Step> make_pad(const sdk::Context &ctx, const sdk::OpNode &node) {
  return node.opset() >= 11 ? std::make_unique<PadStep>(ctx, node) : nullptr;
}

const OperatorEntry kSlice("Slice", &make_slice);
const OperatorEntry kPad("Pad", &make_pad);

}  // namespace
}  // namespace halftone::trainer
