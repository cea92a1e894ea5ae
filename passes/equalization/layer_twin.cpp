#include "layer_twin.h"

#include <algorithm>

namespace halftone::passes {

void copy_attributes(const sdk::Graph &graph, const sdk::GraphEdit &edit, ht_handle from, ht_handle to,
                     const std::vector<std::string> &except) {
  for (const std::string name : {"auto_pad", "dilations", "group", "kernel_shape", "output_padding", "output_shape",
                                 "pads", "strides", "alpha", "beta", "transA", "transB"}) {
    if (std::find(except.begin(), except.end(), name) != except.end()) continue;
    const auto attribute = graph.attribute(from, name);
    if (!attribute) continue;
    if (attribute->kind == HT_ATTR_INT) edit.set_int(to, name, attribute->i);
    if (attribute->kind == HT_ATTR_FLOAT) edit.set_float(to, name, attribute->f);
    if (attribute->kind == HT_ATTR_STRING) edit.set_text(to, name, std::string(sdk::view(attribute->s)));
    if (attribute->kind == HT_ATTR_INTS) {
      edit.set_ints(to, name,
                    std::vector<std::int64_t>(attribute->ints.data, attribute->ints.data + attribute->ints.size));
    }
  }
}

void add_parallel_layer(const sdk::Graph &graph, const sdk::GraphEdit &edit, const WeightedLayer &layer,
                        const StoredTensor &weight) {
  const sdk::Node node = graph.node(layer.node);
  const ht_handle home = node.graph(), whole = node.output(0), data = node.input(layer.data_slot);
  const ht_tensor_info type = graph.value(whole).info.type;
  const ht_handle stored = add_tensor(edit, home, layer.name + "_split_weight", weight);
  const ht_handle rest = edit.add_value(home, layer.name + "_rest", &type);
  const ht_handle part = edit.add_value(home, layer.name + "_split", &type);
  edit.set_output(layer.node, 0, rest);
  ht_handle inputs[] = {data, stored};
  if (layer.weight_slot == 0) std::swap(inputs[0], inputs[1]);
  const ht_handle twin = edit.add_node(home, layer.type, layer.name + "_split", inputs, {&part, 1});
  copy_attributes(graph, edit, layer.node, twin, {"beta"});
  const ht_handle parts[] = {rest, part};
  edit.add_node(home, "Add", layer.name + "_sum", parts, {&whole, 1});
}

}  // namespace halftone::passes
