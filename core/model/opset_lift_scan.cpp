// The Scan of opset 8: over the batch entries along axis 0, each a scan along axis 1. Newer opsets say that with two.
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/base/error.h"
#include "core/model/opset_adapters.h"

namespace halftone::model {
namespace {

// A body once more, under another owner. What it captures stays as it is.
class BodyCopy {
 public:
  BodyCopy(Model &model, Handle from, Handle to) : model_(model) { copy(from, to); }

 private:
  Handle mapped(Handle value) const {
    const auto found = values_.find(value);
    return found == values_.end() ? value : found->second;
  }

  void copy(Handle from, Handle to) {
    for (const Handle h : std::vector<Handle>(model_.graph(from).values)) {
      const Value value = model_.value(h);
      const std::string name = model_.unique_name(to, value.name);
      const Handle made = value.initializer ? model_.add_initializer(to, name, *value.initializer)
                                            : model_.add_value(to, name, value.type);
      values_[h] = made;
    }
    for (const Handle h : std::vector<Handle>(model_.graph(from).inputs)) model_.mark_input(mapped(h));
    for (const Handle h : std::vector<Handle>(model_.graph(from).nodes)) copy_node(h, to);
    for (const Handle h : std::vector<Handle>(model_.graph(from).outputs)) model_.mark_output(mapped(h));
  }

  void copy_node(Handle from, Handle to) {
    const Node node = model_.node(from);
    std::vector<Handle> inputs, outputs;
    for (const Handle v : node.inputs) inputs.push_back(mapped(v));
    for (const Handle v : node.outputs) outputs.push_back(mapped(v));
    const Handle made =
        model_.add_node(to, node.op_type, node.domain, model_.unique_name(to, node.name), inputs, outputs);
    const auto body = [&](Handle graph) {
      const Handle own = model_.add_graph(model_.graph(graph).name, made);
      copy(graph, own);
      return own;
    };
    for (const auto &[key, attribute] : node.attributes) {
      Attribute own = attribute;
      if (auto *graph = std::get_if<Handle>(&own.data)) *graph = body(*graph);
      if (auto *many = std::get_if<Attribute::Subgraphs>(&own.data)) {
        for (Handle &graph : many->graphs) graph = body(graph);
      }
      model_.set_attribute(made, key, std::move(own));
    }
  }

  Model &model_;
  std::unordered_map<Handle, Handle> values_;
};

// Type of a value without its first axis.
ValueType entry_type(ValueType type) {
  if (type.has_shape && !type.dims.empty()) type.dims.erase(type.dims.begin());
  return type;
}

}  // namespace

void lift_scan(Model &model, Handle n, std::int64_t) {
  const Node before = model.node(n);
  const auto attribute = before.attributes.find("body");
  const auto *body = attribute == before.attributes.end() ? nullptr : std::get_if<Handle>(&attribute->second.data);
  const auto count = before.attributes.find("num_scan_inputs");
  const auto *scanned = count == before.attributes.end() ? nullptr : std::get_if<std::int64_t>(&count->second.data);
  if (body == nullptr || scanned == nullptr || before.inputs.size() < 2) {
    fail(Status::kInvalidArgument, "it lacks its body, its inputs or num_scan_inputs; export the model again");
  }
  if (before.inputs[0] != HT_NONE) {
    fail(
        Status::kUnimplemented,
        "it scans sequences of different lengths in a batch, which no newer opset can say; export the model again with "
        "opset 13");
  }
  const std::vector<Handle> inputs(before.inputs.begin() + 1, before.inputs.end());
  const Handle each = model.add_graph(before.name + "_entry", n);
  std::vector<Handle> fed, given;
  for (const Handle v : inputs) {
    const ValueType type = v == HT_NONE ? ValueType{} : entry_type(model.value(v).type);
    fed.push_back(model.add_value(each, model.unique_name(each, before.name + "_in"), type));
    model.mark_input(fed.back());
  }
  for (const Handle v : model.graph(*body).outputs) {
    (void)v;
    given.push_back(model.add_value(each, model.unique_name(each, before.name + "_out")));
  }
  const Handle scan = model.add_node(each, "Scan", "", model.unique_name(each, before.name), fed, given);
  for (const Handle v : given) model.mark_output(v);
  const Handle own = model.add_graph(model.graph(*body).name, scan);
  BodyCopy(model, *body, own);
  model.set_attribute(scan, "body", {own});
  model.set_attribute(scan, "num_scan_inputs", {*scanned});
  const auto directions = before.attributes.find("directions");
  if (directions != before.attributes.end()) model.set_attribute(scan, "scan_input_directions", directions->second);
  model.remove_attribute(n, "directions");
  model.set_attribute(n, "num_scan_inputs", {static_cast<std::int64_t>(inputs.size())});
  model.set_attribute(n, "body", {each});  // the old body goes
  for (std::uint32_t i = 0; i < inputs.size(); ++i) model.set_input(n, i, inputs[i]);
  model.resize_inputs(n, static_cast<std::uint32_t>(inputs.size()));
}

}  // namespace halftone::model
