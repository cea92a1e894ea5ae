#include "core/calibration/statistics_key.h"

#include <bit>

#include <fmt/core.h>

#include "core/base/resident_window.h"

namespace halftone::calibration {

namespace {

using model::Attribute;
using model::Handle;

void add_tensor(Digester &digest, const model::Tensor &tensor) {
  digest.add(std::int64_t{tensor.dtype()});
  digest.add(static_cast<std::int64_t>(tensor.shape().size()));
  for (const std::int64_t extent : tensor.shape()) digest.add(extent);
  announce_read(tensor.bytes());
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

void add_quantizer(Digester &digest, const ht_quant_spec &spec, std::span<const float> scales,
                   std::span<const std::int32_t> zero_points) {
  for (const std::int64_t field :
       {std::int64_t{spec.kind}, spec.quant_min, spec.quant_max, std::int64_t{spec.granularity},
        std::int64_t{spec.axis}, std::int64_t{spec.block_size}, std::int64_t{spec.rounding}}) {
    digest.add(field);
  }
  digest.add(static_cast<std::int64_t>(scales.size()));
  for (const float scale : scales) digest.add(bits(scale));
  for (const std::int32_t zero_point : zero_points) digest.add(std::int64_t{zero_point});
}

}  // namespace

Digest model_digest(const model::Model &m) {
  Digester digest;
  for (const auto &[domain, version] : m.opsets()) digest.add(domain).add(version);
  for (const Handle graph : m.graphs()) add_graph(digest, m, graph);
  return digest.finish();
}

namespace {

Digest with_quantized_weights(const Digest &model, const host::WorkingModel &working) {
  Digester digest;
  digest.add("quantized weights").add(model.hex());
  for (const Handle h : working.configs.all()) {
    const quant::Config &config = working.configs.get(h);
    if (config.key.is_output) continue;
    const model::Node &node = working.model.node(config.key.node);
    const Handle value = node.inputs.at(config.key.slot);
    if (value == HT_NONE || !working.model.value(value).initializer) continue;
    const auto quantizer = working.configs.quantizer(h, true);
    if (!quantizer) continue;
    digest.add(working.model.value(value).name).add(std::int64_t{config.key.slot});
    add_quantizer(digest, config.spec, working.configs.scales(h), working.configs.zero_points(h));
  }
  return digest.finish();
}

}  // namespace

Digest executed_digest(const host::WorkingModel &working, bool quantized_weights) {
  const Digest model = model_digest(working.model);
  return quantized_weights ? with_quantized_weights(model, working) : model;
}

ExecutedGraphs executed_graphs(const host::WorkingModel &working) {
  const Digest model = model_digest(working.model);
  return {model, with_quantized_weights(model, working)};
}

Digest simulated_digest(const host::WorkingModel &working) {
  Digester digest;
  digest.add("simulated").add(model_digest(working.model).hex());
  for (const Handle h : working.configs.all()) {
    if (!working.configs.quantizer(h, true)) continue;
    const quant::Config &config = working.configs.get(h);
    const model::Node &node = working.model.node(config.key.node);
    const Handle value = config.key.is_output ? node.outputs.at(config.key.slot) : node.inputs.at(config.key.slot);
    digest.add(node.name).add(value == HT_NONE ? std::string_view()
                                               : std::string_view(working.model.value(value).name));
    digest.add(std::int64_t{config.key.is_output}).add(std::int64_t{config.key.slot});
    add_quantizer(digest, config.spec, working.configs.scales(h), working.configs.zero_points(h));
  }
  return digest.finish();
}

Digest statistics_key(const Digest &executed, const Digest &data, std::uint64_t samples) {
  return Digester()
      .add("halftone statistics 2")
      .add(executed.hex())
      .add(data.hex())
      .add(static_cast<std::int64_t>(samples))
      .finish();
}

std::string statistics_name(const model::Model &m, Handle value) {
  std::string name = m.value(value).name;
  for (Handle graph = m.value(value).graph; graph != m.main_graph(); graph = m.outer_graph(graph)) {
    const model::Node &owner = m.node(m.graph(graph).owner);
    std::string_view role = "body";
    for (const auto &[key, attribute] : owner.attributes) {
      const auto *body = std::get_if<Handle>(&attribute.data);
      if (body != nullptr && *body == graph) role = key;
    }
    name = fmt::format("{}.{}/{}", owner.name, role, name);
  }
  return name;
}

}  // namespace halftone::calibration
