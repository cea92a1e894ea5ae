#include <algorithm>
#include <set>

#include "plan.h"

namespace halftone::reference {

namespace {

// The main graph or a body.
struct Part {
  ht_handle graph = HT_NONE;
  std::vector<ht_handle> inputs;   // values to feed
  std::vector<ht_handle> emits;    // of this graph, and of bodies inside it
  std::vector<ht_handle> results;  // of a body
};

class Builder {
 public:
  Builder(const sdk::Context &ctx, const ht_session_options &options, Part part)
      : ctx_(ctx), graph_(ctx), configs_(ctx), options_(options), part_(std::move(part)) {}

  Plan build() {
    for (const ht_handle value : part_.inputs) plan_.inputs.push_back(define(value));
    const std::vector<ht_handle> nodes = needed_nodes();
    for (const ht_handle node : nodes) add_step(graph_.node(node));
    for (const ht_handle value : part_.results) plan_.results.push_back(read(value));
    plan_.emitted.resize(numbers_.size(), HT_NONE);
    for (const ht_handle value : part_.emits) {
      if (is_inner(value)) continue;  // a body hands it over
      const std::size_t number = read(value);
      plan_.emitted.resize(numbers_.size(), HT_NONE);
      plan_.emitted[number] = value;
    }
    mark_last_uses();
    return std::move(plan_);
  }

 private:
  bool is_inner(ht_handle value) const { return graph_.value(value).info.graph != part_.graph && !is_fed(value); }
  // The nodes that emitted values depend on, in topological order.
  std::vector<ht_handle> needed_nodes() const {
    const std::vector<ht_handle> nodes = graph_.nodes(part_.graph);
    const std::set<ht_handle> fed(part_.inputs.begin(), part_.inputs.end());
    std::set<ht_handle> wanted;
    std::vector<ht_handle> open;
    const auto want_node = [&](ht_handle node) {
      if (node != HT_NONE && wanted.insert(node).second) open.push_back(node);
    };
    const auto want = [&](ht_handle value) {
      if (value == HT_NONE || fed.contains(value)) return;
      const sdk::Value v = graph_.value(value);
      if (v.info.graph == part_.graph) want_node(v.info.producer);
    };
    for (const ht_handle value : part_.results) want(value);
    for (const ht_handle value : part_.emits)
      is_inner(value) ? want_node(sdk::holder_of(graph_, nodes, value)) : want(value);
    while (!open.empty()) {
      const sdk::Node node = graph_.node(open.back());
      open.pop_back();
      const auto inputs = sdk::has_bodies(node) ? sdk::read_values(graph_, node)
                                                : std::vector<ht_handle>(node.inputs().begin(), node.inputs().end());
      for (const ht_handle input : inputs) want(input);
    }
    std::vector<ht_handle> out;
    for (const ht_handle node : nodes) {
      if (wanted.contains(node)) out.push_back(node);
    }
    return out;
  }

  std::size_t define(ht_handle value) { return numbers_.emplace(value, numbers_.size()).first->second; }

  // The number of a value that must exist already: an input, an output of a step, or an initializer, which is copied
  // now.
  std::size_t read(ht_handle value) {
    if (const auto known = numbers_.find(value); known != numbers_.end()) return known->second;
    const auto tensor = graph_.initializer(value);
    if (!tensor) {
      throw sdk::Failure(
          HT_INVALID_ARGUMENT,
          "value '" + std::string(graph_.value(value).name()) + "' is needed and is not among the inputs", value);
    }
    const std::size_t number = define(value);
    plan_.initializers.emplace(number, *tensor);
    return number;
  }

  void add_step(const sdk::Node &node) {
    Step step;
    step.node = node.handle;
    if (sdk::has_bodies(node)) {
      step.flow = flow_of(node);
    } else {
      step.kernel.emplace(ctx_, node);
    }
    for (std::uint32_t i = 0; i < node.inputs().size(); ++i) step.inputs.push_back(input_slot(node, i));
    for (std::uint32_t i = 0; i < node.outputs().size(); ++i) {
      OutputSlot slot;
      if (node.output(i) != HT_NONE && !is_fed(node.output(i))) slot.value = define(node.output(i));
      if (simulated()) slot.quantizer = Quantizer::of(configs_, configs_.output(node.handle, i));
      step.outputs.push_back(std::move(slot));
    }
    plan_.steps.push_back(std::move(step));
  }

  std::shared_ptr<const Flow> flow_of(const sdk::Node &node) {
    auto flow = std::make_shared<Flow>(Flow{sdk::ControlFlow(sdk::OpNode(ctx_, node.handle)), {}, {}});
    for (const ht_handle graph : sdk::body_graphs(graph_, node.handle)) {
      sdk::Body body = sdk::read_body(graph_, graph, part_.emits, [&](ht_handle value) {
        return !is_fed(value) && graph_.value(value).is_initializer();
      });
      std::vector<std::size_t> &captured = flow->captured.emplace_back();
      for (const ht_handle value : body.captured) captured.push_back(read(value));
      body.inputs.insert(body.inputs.end(), body.captured.begin(), body.captured.end());
      Part part{graph, std::move(body.inputs), std::move(body.tapped), std::move(body.outputs)};
      flow->bodies.push_back(Builder(ctx_, options_, std::move(part)).build());
    }
    return flow;
  }

  InputSlot input_slot(const sdk::Node &node, std::uint32_t i) {
    InputSlot slot;
    const ht_handle value = node.input(i);
    if (value == HT_NONE) return slot;
    const bool parameter = !is_fed(value) && graph_.value(value).is_initializer();
    const bool quantized = simulated() || (parameter && options_.quantized_weights != 0);
    auto quantizer = quantized ? Quantizer::of(configs_, configs_.input(node.handle, i)) : std::nullopt;
    if (!parameter || !quantizer) {
      slot.value = read(value);
      slot.quantizer = std::move(quantizer);
      return slot;
    }
    // A parameter is quantized now, once. A baked one has no live config: the graph shows it quantized already.
    const auto stored = graph_.initializer(value);
    if (!stored) throw sdk::Failure(HT_INTERNAL, "an initializer without tensor", value);
    auto own = std::make_unique<Tensor>(*stored);
    ht_tensor_view view = own->view();
    quantizer->apply(ctx_, view, view);
    slot.constant = own.get();
    plan_.quantized.push_back(std::move(own));
    return slot;
  }
  // An initializer may be listed among the inputs to feed, and then it is one.
  bool is_fed(ht_handle value) const {
    return std::find(part_.inputs.begin(), part_.inputs.end(), value) != part_.inputs.end();
  }

  void mark_last_uses() {
    std::set<std::size_t> later(plan_.results.begin(), plan_.results.end());
    for (std::size_t i = plan_.steps.size(); i-- > 0;) {
      Step &step = plan_.steps[i];
      const auto used = [&](std::size_t value) {
        if (value == kNoValue || plan_.initializers.contains(value)) return;
        if (later.insert(value).second) step.dead_after.push_back(value);
      };
      for (const InputSlot &slot : step.inputs) used(slot.value);
      for (std::size_t k = 0; step.flow && k < step.flow->captured.size(); ++k) {
        for (const std::size_t value : step.flow->captured[k]) used(value);
      }
      for (const OutputSlot &slot : step.outputs) used(slot.value);  // what nobody reads dies at once
    }
  }

  bool simulated() const { return options_.mode == HT_MODE_SIMULATED; }

  const sdk::Context &ctx_;
  sdk::Graph graph_;
  sdk::Configs configs_;
  const ht_session_options &options_;
  Part part_;
  std::map<ht_handle, std::size_t> numbers_;
  Plan plan_;
};

}  // namespace

Plan build_plan(const sdk::Context &ctx, const ht_session_options &options) {
  const auto copy = [](ht_handles list) { return std::vector<ht_handle>(list.data, list.data + list.size); };
  return Builder(ctx, options, {sdk::Graph(ctx).main(), copy(options.inputs), copy(options.emits), {}}).build();
}

}  // namespace halftone::reference
