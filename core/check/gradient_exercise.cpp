// Gradients of operators get what the kernel of their operator made: they compute, the same each time, from nothing but
// what they say that they read, and write nowhere else.
#include <algorithm>
#include <cstring>
#include <memory>

#include "core/base/digest.h"
#include "core/check/exercise.h"
#include "core/check/made_node.h"
#include "halftone/op_gradient.h"

namespace halftone::check {

namespace {

constexpr std::int64_t kMostElements = 1 << 20;  // of an output that is really made
constexpr std::size_t kMargin = 64;              // bytes behind a tensor that nobody may write

bool has_bit(std::uint64_t mask, std::size_t slot) {
  return (mask >> std::min<std::size_t>(slot, 63) & 1U) != 0;
}

// A float tensor with a margin behind it.
struct Guarded {
  model::Shape shape;
  std::vector<std::byte> memory;
  explicit Guarded(model::Shape of)
      : shape(std::move(of)),
        memory(static_cast<std::size_t>(model::element_count(shape)) * sizeof(float) + kMargin, std::byte{0}) {}
  ht_tensor_view view() {
    ht_tensor_view view{};
    view.struct_size = sizeof(view);
    view.dtype = HT_F32;
    view.rank = static_cast<std::uint32_t>(shape.size());
    view.shape = shape.data();
    view.data = memory.data();
    return view;
  }
  void fill() {
    for (std::size_t i = 0; (i + 1) * sizeof(float) + kMargin <= memory.size(); ++i) {
      std::memcpy(memory.data() + i * sizeof(float), &kMadeValues[(3 * i + 1) % std::size(kMadeValues)], sizeof(float));
    }
  }
  bool margin_is_whole() const {
    return std::all_of(memory.end() - kMargin, memory.end(), [](std::byte b) { return b == std::byte{0}; });
  }
};

// One node of the operator, on stored inputs.
class Node {
 public:
  Node(Workbench &bench, const Subject &subject, const ht_op_gradient &gradient, std::size_t inputs)
      : made_(bench, subject, gradient, inputs), gradient_(gradient) {}
  ~Node() {
    if (state_ != nullptr) gradient_.release(state_);
    if (kernel_state_ != nullptr) kernel_->release(kernel_state_);
  }
  Node(const Node &) = delete;
  Node &operator=(const Node &) = delete;

  // False where the operator's own kernel takes none of this.
  bool forward() {
    try {
      kernel_ = &made_.kernels.get(gradient_.domain, gradient_.op_type, gradient_.since_opset);
      host::call_component(
          made_.ctx, [&] { return kernel_->prepare(&made_.host.table, &made_.ctx, made_.handle, &kernel_state_); });
      std::vector<ht_tensor_view> inputs = input_views(~std::uint64_t{0});
      ht_tensor_info info{};
      info.struct_size = sizeof(info);
      host::call_component(
          made_.ctx, [&] { return kernel_->infer(kernel_state_, &made_.ctx, inputs.data(), inputs.size(), &info, 1); });
      const model::Shape shape(info.shape, info.shape + info.rank);
      if (info.dtype != HT_F32 || model::element_count(shape) > kMostElements) return false;
      output_ = std::make_unique<Guarded>(shape);
      ht_tensor_view view = output_->view();
      host::call_component(
          made_.ctx, [&] { return kernel_->run(kernel_state_, &made_.ctx, inputs.data(), inputs.size(), &view, 1); });
      return true;
    } catch (const Error &) {
      made_.ctx.forget_error();
      return false;
    }
  }

  std::string backward() {
    host::call_component(made_.ctx,
                         [&] { return gradient_.prepare(&made_.host.table, &made_.ctx, made_.handle, &state_); });
    const std::string first = once();
    if (once() != first) fail(Status::kInternal, "backward() gives other bits the second time");
    return first;
  }

 private:
  std::vector<ht_tensor_view> input_views(std::uint64_t with_data) const {
    std::vector<ht_tensor_view> views;
    for (std::size_t i = 0; i < made_.tensors.size(); ++i) {
      views.push_back(view_of(made_.tensors[i]));
      if (!has_bit(with_data, i)) views.back().data = nullptr;
    }
    return views;
  }

  std::string once() {
    const std::vector<ht_tensor_view> inputs = input_views(gradient_.reads_inputs);
    ht_tensor_view output = output_->view();
    if (!has_bit(gradient_.reads_outputs, 0)) output.data = nullptr;
    Guarded arrived(output_->shape);
    arrived.fill();
    const ht_tensor_view arriving = arrived.view();
    std::vector<Guarded> made;
    for (const model::Tensor &tensor : made_.tensors) made.emplace_back(tensor.shape());
    std::vector<ht_tensor_view> wanted;
    for (std::size_t i = 0; i < made.size(); ++i) {
      wanted.push_back(made[i].view());
      if (!has_bit(gradient_.differentiates, i)) wanted.back().dtype = HT_DTYPE_NONE;
    }
    host::call_component(made_.ctx, [&] {
      return gradient_.backward(state_, &made_.ctx, inputs.data(), inputs.size(), &output, 1, &arriving, wanted.data());
    });
    Digester digester;
    for (const Guarded &one : made) {
      if (!one.margin_is_whole()) fail(Status::kInternal, "backward() writes behind a gradient");
      digester.add(std::span<const std::byte>(one.memory));
    }
    return digester.finish().hex();
  }

  MadeNode made_;
  const ht_op_gradient &gradient_;
  const ht_op_kernel *kernel_ = nullptr;
  std::unique_ptr<Guarded> output_;
  void *state_ = nullptr, *kernel_state_ = nullptr;
};

Attempt attempt(Workbench &bench, const Subject &subject, const ht_op_gradient &gradient) {
  constexpr std::size_t kMostInputs = 4;
  Attempt last{Attempt::Result::kRefused, "its operator takes none of the made inputs", {}, 0};
  Digester digester;
  for (std::size_t inputs = 1; inputs <= kMostInputs; ++inputs) {
    try {
      Node node(bench, subject, gradient, inputs);
      if (!node.forward()) continue;
      digester.add(node.backward());
      last = {Attempt::Result::kDone, {}, digester.finish().hex(), 0};
    } catch (const Error &error) {
      const Attempt found = attempt_of(error, subject, true);
      if (found.result == Attempt::Result::kBroke && error.status() == Status::kInternal) {
        return {found.result, fmt::format("with {} inputs: {}", inputs, found.text), {}, 0};
      }
    }
  }
  return last;
}

}  // namespace

std::vector<Exercise> gradient_exercises(Workbench &bench, const Subject &subject) {
  const auto *role = static_cast<const ht_op_gradients *>(subject.component->role(HT_OP_GRADIENTS_1));
  std::vector<Exercise> out;
  for (std::uint64_t i = 0; i < role->gradient_count; ++i) {
    const ht_op_gradient *gradient = role->gradients[i];
    const std::string name = fmt::format("{}{}{} of opset {}", gradient->domain, gradient->domain[0] == '\0' ? "" : ".",
                                         gradient->op_type, gradient->since_opset);
    out.push_back({name, [&bench, subject, gradient](const Terms &) { return attempt(bench, subject, *gradient); }});
  }
  return out;
}

}  // namespace halftone::check
