#include "core/calibration/statistics_key.h"

#include <bit>

namespace halftone::calibration {

namespace {

using model::Attribute;
using model::Handle;

void add_tensor(Digester &digest, const model::Tensor &tensor) {
  digest.add(std::int64_t{tensor.dtype()});
  digest.add(static_cast<std::int64_t>(tensor.shape().size()));
  for (const std::int64_t extent : tensor.shape()) digest.add(extent);
  digest.add(tensor.bytes());
}

std::int64_t bits(float value) {
  return std::bit_cast<std::int32_t>(value);
}

// Adds an attribute's content; subgraphs follow with the other graphs, in the same order.
struct AttributeDigest {
  Digester &digest;
  void operator()(std::monostate) const {}
  void operator()(std::int64_t value) const { digest.add(value); }
  void operator()(float value) const { digest.add(bits(value)); }
  void operator()(const std::string &value) const { digest.add(value); }
  void operator()(const model::Tensor &value) const { add_tensor(digest, value); }
  void operator()(Handle) const { digest.add("graph"); }
  void operator()(const std::vector<std::int64_t> &values) const {
    digest.add(static_cast<std::int64_t>(values.size()));
    for (const std::int64_t value : values) digest.add(value);
  }
  void operator()(const std::vector<float> &values) const {
    digest.add(static_cast<std::int64_t>(values.size()));
    for (const float value : values) digest.add(bits(value));
  }
  void operator()(const std::vector<std::string> &values) const {
    digest.add(static_cast<std::int64_t>(values.size()));
    for (const std::string &value : values) digest.add(value);
  }
  void operator()(const Attribute::Subgraphs &value) const {
    digest.add(static_cast<std::int64_t>(value.graphs.size()));
  }
};

void add_values(Digester &digest, const model::Model &m, const std::vector<Handle> &values) {
  digest.add(static_cast<std::int64_t>(values.size()));
  for (const Handle h : values) digest.add(h == HT_NONE ? std::string_view() : std::string_view(m.value(h).name));
}

void add_graph(Digester &digest, const model::Model &m, Handle graph) {
  add_values(digest, m, m.graph(graph).inputs);
  add_values(digest, m, m.graph(graph).outputs);
  for (const Handle h : m.topological_order(graph)) {
    const model::Node &node = m.node(h);
    digest.add(node.op_type).add(node.domain);
    add_values(digest, m, node.inputs);
    add_values(digest, m, node.outputs);
    for (const auto &[name, attribute] : node.attributes) {
      digest.add(name).add(static_cast<std::int64_t>(attribute.data.index()));
      std::visit(AttributeDigest{digest}, attribute.data);
    }
  }
  for (const Handle h : m.graph(graph).values) {
    const model::Value &value = m.value(h);
    if (!value.initializer) continue;
    digest.add(value.name);
    add_tensor(digest, *value.initializer);
  }
}

}  // namespace

Digest model_digest(const model::Model &m) {
  Digester digest;
  for (const auto &[domain, version] : m.opsets()) digest.add(domain).add(version);
  for (const Handle graph : m.graphs()) add_graph(digest, m, graph);
  return digest.finish();
}

Digest statistics_key(const Digest &model, const Digest &data, bool quantized_weights) {
  return Digester()
      .add("halftone statistics 1")
      .add(model.hex())
      .add(data.hex())
      .add(std::int64_t{quantized_weights})
      .finish();
}

}  // namespace halftone::calibration
