#include "program.h"

#include <algorithm>
#include <map>
#include <set>

#include "flow.h"
#include "quantize.h"
#include "shared_constants.h"

namespace halftone::onednn {
namespace {

// The main graph or a body.
struct Part {
  ht_handle graph = HT_NONE;
  std::vector<ht_handle> inputs;  // values to feed
  std::vector<ht_handle> emits;   // of this graph, a body's results among them, and of bodies inside it
};

// Collects the nodes that the emitted values depend on, inputs first, and turns live configs into quantize nodes.
class Reader {
 public:
  Reader(const sdk::Context &ctx, const ht_session_options &options, Part part)
      : ctx_(ctx), graph_(ctx), options_(options), part_(std::move(part)), rules_(ctx, options) {}

  Program read() {
    for (const ht_handle input : part_.inputs) program_.inputs.push_back(add_value(input));
    fed_ = index_;
    const std::vector<ht_handle> order = graph_.nodes(part_.graph);
    const std::vector<bool> needed = needed_nodes(order);
    for (std::size_t i = 0; i < order.size(); ++i) {
      if (needed[i]) add_node(graph_.node(order[i]));
    }
    for (const ht_handle handle : part_.emits) {
      if (!is_inner(handle)) mark_emitted(handle);
    }
    list_consumers();
    return std::move(program_);
  }

 private:
  std::vector<bool> needed_nodes(const std::vector<ht_handle> &order) const {
    std::vector<bool> needed(order.size(), false);
    std::map<ht_handle, bool> wanted;
    std::set<ht_handle> holders;  // of bodies with emitted values
    for (const ht_handle value : part_.emits) {
      wanted[value] = true;
      if (is_inner(value)) holders.insert(sdk::holder_of(graph_, order, value));
    }
    for (std::size_t i = order.size(); i-- > 0;) {
      const sdk::Node node = graph_.node(order[i]);
      const auto outputs = node.outputs();
      needed[i] = std::any_of(outputs.begin(), outputs.end(), [&](ht_handle value) {
        return value != HT_NONE && wanted.count(value) != 0 && fed_.count(value) == 0;
      });
      needed[i] = needed[i] || holders.count(order[i]) != 0;
      if (!needed[i]) continue;
      for (const ht_handle input : node.inputs()) wanted[input] = true;
      if (!sdk::has_bodies(node)) continue;
      for (const ht_handle value : sdk::read_values(graph_, node)) wanted[value] = true;
    }
    return needed;
  }
  bool is_inner(ht_handle value) const {
    return graph_.value(value).info.graph != part_.graph && fed_.count(value) == 0;
  }

  int new_value(ht_handle handle) {
    program_.values.emplace_back().handle = handle;
    return static_cast<int>(program_.values.size()) - 1;
  }
  int add_value(ht_handle handle) {
    const int value = new_value(handle);
    index_[handle] = value;
    return value;
  }
  int value_of(ht_handle handle) {
    const auto found = index_.find(handle);
    if (found != index_.end()) return found->second;
    const int value = add_value(handle);
    if (const auto tensor = graph_.hold(handle)) program_.values[value].constant = shared_constant(*tensor);
    return value;
  }

  int quantized_constant(int plain, const QuantizerPtr &quantizer) {
    const ConstantPtr source = program_.values[plain].constant;
    const ConstantPtr copy = make_constant(HT_F32, source->layout.shape);
    const ht_tensor_view in = source->view();
    ht_tensor_view out = copy->view();
    sdk::check(ctx_.host.arithmetic->fake_quantize(ctx_.raw, &quantizer->table, &in, &out));
    const int value = new_value(HT_NONE);
    program_.values[value].constant = copy;
    return value;
  }

  // The value that a slot with this quantizer reads: equal quantizers share one copy, and a value that its producer
  // quantized alike needs none.
  int quantized(int plain, const QuantizerPtr &quantizer) {
    auto &copies = copies_[plain];
    for (const auto &[known, value] : copies) {
      if (*known == *quantizer) return value;
    }
    int value = 0;
    if (program_.values[plain].constant) {
      value = quantized_constant(plain, quantizer);
    } else {
      value = new_value(HT_NONE);
      program_.nodes.push_back(quantize_node(plain, value, quantizer));
    }
    copies.emplace_back(quantizer, value);
    return value;
  }

  void add_node(const sdk::Node &node) {
    NodeRecord record;
    prepare_node(ctx_, node, record);
    const auto inputs = node.inputs();
    for (std::size_t slot = 0; slot < inputs.size(); ++slot) {
      int value = inputs[slot] == HT_NONE ? -1 : value_of(inputs[slot]);
      if (value >= 0) {
        const bool parameter = program_.values[value].constant != nullptr;
        const QuantizerPtr q = rules_.at(node.handle, HT_SLOT_INPUT, static_cast<std::uint32_t>(slot), parameter);
        if (q) value = quantized(value, q);
      }
      record.inputs.push_back(value);
    }
    if (sdk::has_bodies(node)) add_bodies(node, record);
    std::vector<NodeRecord> after;
    const auto outputs = node.outputs();
    for (std::size_t slot = 0; slot < outputs.size(); ++slot) {
      record.outputs.push_back(add_output(node, static_cast<std::uint32_t>(slot), after));
    }
    program_.nodes.push_back(std::move(record));
    for (NodeRecord &quantize : after) program_.nodes.push_back(std::move(quantize));
  }

  void add_bodies(const sdk::Node &node, NodeRecord &record) {
    auto flow = std::make_shared<Flow>(sdk::ControlFlow(sdk::OpNode(ctx_, node.handle)), record.inputs.size());
    for (const ht_handle graph : sdk::body_graphs(graph_, node.handle)) {
      const sdk::Body body = sdk::read_body(graph_, graph, part_.emits, [&](ht_handle value) {
        return fed_.count(value) == 0 && graph_.value(value).is_initializer();
      });
      const std::size_t first = record.inputs.size();
      for (const ht_handle value : body.captured) record.inputs.push_back(value_of(value));
      Part part{graph, body.inputs, body.outputs};
      part.inputs.insert(part.inputs.end(), body.captured.begin(), body.captured.end());
      for (const ht_handle value : body.tapped) {
        const bool result = std::find(body.outputs.begin(), body.outputs.end(), value) != body.outputs.end();
        if (!result) part.emits.push_back(value);
      }
      Program program = Reader(ctx_, options_, std::move(part)).read();
      flow->add(std::make_shared<Session>(std::move(program), options_.worker_count, false), body, first);
    }
    record.flow = std::move(flow);
  }

  // An output that its producer quantizes is written to an unnamed value first; readers and the tap see the quantized.
  int add_output(const sdk::Node &node, std::uint32_t slot, std::vector<NodeRecord> &after) {
    const ht_handle handle = node.output(slot);
    if (handle == HT_NONE) return -1;
    if (fed_.count(handle) != 0) return new_value(HT_NONE);  // made for nobody: readers take what was fed
    const int value = add_value(handle);
    const QuantizerPtr q = rules_.at(node.handle, HT_SLOT_OUTPUT, slot, false);
    if (!q) return value;
    const int raw = new_value(HT_NONE);
    after.push_back(quantize_node(raw, value, q));
    copies_[value].emplace_back(q, value);
    return raw;
  }

  void mark_emitted(ht_handle handle) {
    ValueRecord &value = program_.values[value_of(handle)];
    value.emit = true;
    value.graph_output = graph_.value(handle).is_output();
  }
  void list_consumers() {
    for (std::size_t i = 0; i < program_.nodes.size(); ++i) {
      for (const int value : program_.nodes[i].inputs) {
        if (value >= 0) program_.values[value].consumers.push_back(static_cast<int>(i));
      }
    }
  }

  const sdk::Context &ctx_;
  sdk::Graph graph_;
  const ht_session_options &options_;
  Part part_;
  QuantizerRules rules_;
  Program program_;
  std::map<ht_handle, int> index_, fed_;
  std::map<int, std::vector<std::pair<QuantizerPtr, int>>> copies_;
};

}  // namespace

void prepare_node(const sdk::Context &ctx, const sdk::Node &node, NodeRecord &record) {
  record.handle = node.handle;
  record.name = node.name();
  record.op_type = node.op_type();
  if (sdk::has_bodies(node)) {
    sdk::ControlFlow(sdk::OpNode(ctx, node.handle));
    const sdk::Graph graph(ctx);
    for (const ht_handle body : sdk::body_graphs(graph, node.handle)) {
      for (const ht_handle inner : graph.nodes(body)) {
        NodeRecord unused;
        prepare_node(ctx, graph.node(inner), unused);
      }
    }
    return;
  }
  // The plain kernel gives every operator its shapes, so it is needed beside a native form too.
  sdk::check(ctx.host.op_kernel->find(ctx.raw, node.handle, &record.kernel));
  void *state = nullptr;
  sdk::check(record.kernel->prepare(ctx.host.raw, ctx.raw, node.handle, &state));
  record.state = std::shared_ptr<void>(state, [release = record.kernel->release](void *p) {
    if (release != nullptr) release(p);
  });
  if (const NativeFactory factory = find_native(node.domain(), node.op_type())) {
    record.native = factory(sdk::OpNode(ctx, node.handle));
  }
}

Program read_program(const sdk::Context &ctx, const ht_session_options &options) {
  const auto copy = [](ht_handles list) { return std::vector<ht_handle>(list.data, list.data + list.size); };
  return Reader(ctx, options, {sdk::Graph(ctx).main(), copy(options.inputs), copy(options.emits)}).read();
}

}  // namespace halftone::onednn
