#include "network_part.h"

#include <algorithm>
#include <unordered_set>

namespace halftone::passes {
namespace {

bool is_float(ht_dtype dtype) {
  return dtype == HT_DTYPE_NONE || dtype == HT_F32 || dtype == HT_F64 || dtype == HT_F16 || dtype == HT_BF16;
}

ht_handle value_named(const sdk::Graph &graph, const std::string &name) {
  for (const ht_handle value : graph.values(graph.main())) {
    const sdk::Value found = graph.value(value);
    if (found.name() != name) continue;
    if (found.info.producer != HT_NONE && is_float(found.info.type.dtype)) return value;
    throw sdk::Failure(HT_INVALID_ARGUMENT,
                       "`outputs` names '" + name + "', which is no float value that an operator makes", value);
  }
  throw sdk::Failure(HT_INVALID_ARGUMENT, "`outputs` names '" + name +
                                              "', and no value of the main graph is called so; `halftone inspect` "
                                              "lists values");
}

// Losses of classes take logits; a softmax at the end is left out.
ht_handle before_softmax(const sdk::Graph &graph, ht_handle value) {
  const sdk::Node node = graph.node(graph.value(value).info.producer);
  if (!node.is("Softmax") && !node.is("LogSoftmax")) return value;
  const ht_handle input = node.input(0);
  return graph.value(input).info.producer == HT_NONE ? value : input;
}

std::vector<ht_handle> outputs_of(const sdk::Graph &graph, const std::vector<std::string> &names) {
  std::vector<ht_handle> outputs;
  for (const std::string &name : names) outputs.push_back(value_named(graph, name));
  if (!names.empty()) return outputs;
  for (const ht_handle output : graph.outputs(graph.main())) {
    const sdk::Value value = graph.value(output);
    if (value.info.producer != HT_NONE && is_float(value.info.type.dtype)) outputs.push_back(output);
  }
  return outputs;
}

void take_inputs(const sdk::Graph &graph, const std::unordered_set<ht_handle> &seen, NetworkPart &part) {
  for (const ht_handle input : graph.inputs(graph.main())) {
    const sdk::Value value = graph.value(input);
    if (!seen.contains(input) || value.is_initializer()) continue;
    const ht_tensor_info &type = value.info.type;
    if (!is_float(type.dtype) && type.dtype != HT_I64) {
      throw sdk::Failure(HT_UNIMPLEMENTED,
                         "input '" + std::string(value.name()) +
                             "' is neither float nor int64, and no other input can be fed while training",
                         input);
    }
    if (type.known_rank != 0 && type.rank > 0 && type.shape[0] > 0) part.fixed_rows = true;
    part.inputs.push_back(input);
  }
}

}  // namespace

NetworkPart find_network_part(const sdk::Graph &graph, const std::vector<std::string> &names, bool of_classes) {
  NetworkPart part;
  std::unordered_set<ht_handle> seen, wanted;
  std::vector<ht_handle> open;
  for (ht_handle output : outputs_of(graph, names)) {
    if (of_classes) output = before_softmax(graph, output);
    if (!seen.insert(output).second) continue;
    part.outputs.push_back(output);
    open.push_back(output);
  }
  while (!open.empty()) {
    const ht_handle producer = graph.value(open.back()).info.producer;
    open.pop_back();
    if (producer == HT_NONE || !wanted.insert(producer).second) continue;
    for (const ht_handle input : graph.node(producer).inputs()) {
      if (input != HT_NONE && seen.insert(input).second) open.push_back(input);
    }
  }
  for (const ht_handle node : graph.nodes()) {
    if (wanted.contains(node)) part.nodes.push_back(node);
  }
  take_inputs(graph, seen, part);
  if (part.outputs.empty() || part.inputs.empty()) {
    throw sdk::Failure(
        HT_FAILED_PRECONDITION,
        "no result of the model is a float that depends on its inputs, so that there is nothing to train "
        "towards; name values in `outputs`");
  }
  return part;
}

}  // namespace halftone::passes
