// An executor that runs a model in float, one operator after the other, each by the kernel that a loaded plug-in has
// for it. It shows what every executor does: read the model when a session is opened, then run samples from several
// threads at once. From here, replace kernels by your own.
#include <halftone/executor.hpp>
#include <halftone/owned_tensor.hpp>

#include <algorithm>
#include <deque>
#include <map>
#include <set>

namespace sdk = halftone::sdk;

struct TemplateNameStep {
  const ht_op_kernel *kernel;
  std::shared_ptr<void> state;  // what the kernel made of the node's attributes
  std::vector<ht_handle> inputs, outputs;
};

// The kernel for a node; throws HT_UNIMPLEMENTED, with the operator's name, where no plug-in has one.
TemplateNameStep prepare(const sdk::Context &ctx, const sdk::Node &node) {
  TemplateNameStep step{
      nullptr, nullptr, {node.inputs().begin(), node.inputs().end()}, {node.outputs().begin(), node.outputs().end()}};
  sdk::check(ctx.host.op_kernel->find(ctx.raw, node.handle, &step.kernel));
  void *state = nullptr;
  sdk::check(step.kernel->prepare(ctx.host.raw, ctx.raw, node.handle, &state));
  step.state = {state, step.kernel->release};
  return step;
}

class TemplateNameSession final : public sdk::Session {
 public:
  // Handles stay good as names; views into the model do not outlive this call, so weights are held.
  TemplateNameSession(const sdk::Context &ctx, const ht_session_options &options)
      : fed_(options.inputs.data, options.inputs.data + options.inputs.size),
        emits_(options.emits.data, options.emits.data + options.emits.size) {
    const sdk::Graph graph(ctx);
    const std::set<ht_handle> fed(fed_.begin(), fed_.end());
    std::set<ht_handle> wanted(emits_.begin(), emits_.end());
    const std::vector<ht_handle> nodes = graph.nodes();
    // Backwards, so that only what the emitted values depend on is run.
    for (auto handle = nodes.rbegin(); handle != nodes.rend(); ++handle) {
      const sdk::Node node = graph.node(*handle);
      const auto needed = [&](ht_handle value) { return wanted.contains(value) && !fed.contains(value); };
      if (std::none_of(node.outputs().begin(), node.outputs().end(), needed)) continue;
      wanted.insert(node.inputs().begin(), node.inputs().end());
      steps_.push_front(prepare(ctx, node));
    }
    for (const ht_handle value : wanted) {
      if (fed.contains(value)) continue;
      if (auto tensor = graph.hold(value)) constants_.emplace(value, *tensor);
    }
  }

  // Called from several threads at once: what changes is local.
  void run(const sdk::Context &ctx, std::uint32_t, std::span<const ht_tensor_view> inputs,
           const sdk::Emit &emit) override {
    std::map<ht_handle, ht_tensor_view> values;
    std::deque<sdk::OwnedTensor> made;  // a deque, because views point at its elements
    ht_tensor_view none{};
    none.struct_size = sizeof(none);
    values.emplace(HT_NONE, none);  // an optional input that is left out
    for (const auto &[value, tensor] : constants_) values[value] = tensor.view();
    for (std::size_t i = 0; i < inputs.size(); ++i) values[fed_[i]] = inputs[i];
    for (const TemplateNameStep &step : steps_) {
      std::vector<ht_tensor_view> in, out;
      for (const ht_handle value : step.inputs) in.push_back(values.at(value));
      std::vector<ht_tensor_info> types(step.outputs.size());
      for (ht_tensor_info &type : types) type.struct_size = sizeof(type);
      sdk::check(step.kernel->infer(step.state.get(), ctx.raw, in.data(), in.size(), types.data(), types.size()));
      for (const ht_tensor_info &type : types)
        out.push_back(made.emplace_back(type.dtype, std::span(type.shape, type.rank)).view());
      sdk::check(step.kernel->run(step.state.get(), ctx.raw, in.data(), in.size(), out.data(), out.size()));
      for (std::size_t i = 0; i < out.size(); ++i) {
        if (step.outputs[i] != HT_NONE) values[step.outputs[i]] = out[i];
      }
    }
    for (const ht_handle value : emits_) emit(value, values.at(value));
  }

 private:
  std::vector<ht_handle> fed_, emits_;
  std::deque<TemplateNameStep> steps_;
  std::map<ht_handle, sdk::HeldTensor> constants_;
};

class TemplateName final : public sdk::Executor {
 public:
  static constexpr std::uint32_t kModes = 1u << HT_MODE_FLOAT;  // enough to calibrate with

  // Data, which the host reads before it runs anything: `halftone help executor template-name` prints it.
  static void describe(sdk::Description &d) {
    d.id("template-name").version("0.1.0").title("one operator after the other, in float");
    d.doc("Runs every operator by the kernel of the plug-in that has one. Bodies of control flow are not run.");
    d.capabilities(HT_CAP_GRAPH_READ | HT_CAP_EXECUTE).threading(HT_THREADING_FREE);
  }
  explicit TemplateName(const sdk::Args &) {}

  // Asked for each node before any data is read: what cannot run is said here, with the operator's name.
  void supports(const sdk::Context &ctx, ht_handle node, std::uint32_t mode) override {
    if (mode != HT_MODE_FLOAT) throw sdk::Failure(HT_UNIMPLEMENTED, "template-name runs in float only", node);
    prepare(ctx, sdk::Graph(ctx).node(node));
  }
  std::unique_ptr<sdk::Session> open(const sdk::Context &ctx, const ht_session_options &options) override {
    if (options.mode != HT_MODE_FLOAT || options.quantized_weights != 0)
      throw sdk::Failure(HT_UNIMPLEMENTED, "template-name runs in float only, with weights as they are stored");
    return std::make_unique<TemplateNameSession>(ctx, options);
  }
};

HALFTONE_EXECUTOR(TemplateName)
HALFTONE_PLUGIN("com.example.template-name", "0.1.0", "Apache-2.0")
