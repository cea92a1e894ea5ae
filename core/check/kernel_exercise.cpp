// Kernels of operators get nodes with any number of inputs: they compute, the same each time, or say why not.
#include <cstring>

#include "core/base/digest.h"
#include "core/check/exercise.h"
#include "core/check/made_node.h"
#include "halftone/op_kernel.h"

namespace halftone::check {

namespace {

constexpr std::int64_t kMostElements = 1 << 22;  // of an output that is really made

// One node, prepared, run twice.
class Node {
 public:
  Node(Workbench &bench, const Subject &subject, const ht_op_kernel &kernel, std::size_t inputs)
      : made_(bench, subject, kernel, inputs), kernel_(kernel) {}
  ~Node() {
    if (state_ != nullptr) kernel_.release(state_);
  }
  Node(const Node &) = delete;
  Node &operator=(const Node &) = delete;

  std::string run() {
    host::call_component(made_.ctx,
                         [&] { return kernel_.prepare(&made_.host.table, &made_.ctx, made_.handle, &state_); });
    std::vector<ht_tensor_view> inputs;
    for (const model::Tensor &tensor : made_.tensors) inputs.push_back(view_of(tensor));
    ht_tensor_info info{};
    info.struct_size = sizeof(info);
    host::call_component(made_.ctx,
                         [&] { return kernel_.infer(state_, &made_.ctx, inputs.data(), inputs.size(), &info, 1); });
    if (info.rank > HT_MAX_RANK) fail(Status::kInternal, "infer() gives an output of {} axes", info.rank);
    const model::Shape shape(info.shape, info.shape + info.rank);
    for (const std::int64_t extent : shape) {
      if (extent < 0) fail(Status::kInternal, "infer() gives an output with an axis of {} elements", extent);
    }
    if (model::element_count(shape) > kMostElements || info.dtype == HT_STRING || info.dtype == HT_DTYPE_NONE)
      return {};
    const std::string first = compute(inputs, info.dtype, shape);
    if (compute(inputs, info.dtype, shape) != first) fail(Status::kInternal, "run() gives other bits the second time");
    return first;
  }

 private:
  std::string compute(const std::vector<ht_tensor_view> &inputs, ht_dtype dtype, const model::Shape &shape) {
    const model::Tensor made(dtype, shape);
    std::vector<std::byte> memory(made.bytes().size() + 64);
    ht_tensor_view output = view_of(made);
    output.data = memory.data();
    host::call_component(made_.ctx,
                         [&] { return kernel_.run(state_, &made_.ctx, inputs.data(), inputs.size(), &output, 1); });
    for (std::size_t i = made.bytes().size(); i < memory.size(); ++i) {
      if (memory[i] != std::byte{0}) fail(Status::kInternal, "run() writes behind its output");
    }
    return Digester().add(std::span<const std::byte>(memory)).finish().hex();
  }

  MadeNode made_;
  const ht_op_kernel &kernel_;
  void *state_ = nullptr;
};

}  // namespace

std::vector<Exercise> kernel_exercises(Workbench &bench, const Subject &subject) {
  constexpr std::size_t kMostInputs = 4;
  const auto *role = static_cast<const ht_op_kernels *>(subject.component->role(HT_OP_KERNELS_1));
  std::vector<Exercise> out;
  for (std::uint64_t i = 0; i < role->kernel_count; ++i) {
    const ht_op_kernel *kernel = role->kernels[i];
    const std::string name = fmt::format("{}{}{} of opset {}", kernel->domain, kernel->domain[0] == '\0' ? "" : ".",
                                         kernel->op_type, kernel->since_opset);
    out.push_back(
        {name, [&bench, subject, kernel](const Terms &) {
           Attempt last{Attempt::Result::kRefused, "it takes none of the made inputs", {}, 0};
           Digester digester;
           for (std::size_t inputs = 0; inputs <= kMostInputs; ++inputs) {
             try {
               digester.add(Node(bench, subject, *kernel, inputs).run());
               last = {Attempt::Result::kDone, {}, digester.finish().hex(), 0};
             } catch (const Error &error) {
               const Attempt attempt = attempt_of(error, subject, true);
               if (attempt.result == Attempt::Result::kBroke && error.status() == Status::kInternal) {
                 return Attempt{attempt.result, fmt::format("with {} inputs: {}", inputs, attempt.text), {}, 0};
               }
             }
           }
           return last;
         }});
  }
  return out;
}

}  // namespace halftone::check
