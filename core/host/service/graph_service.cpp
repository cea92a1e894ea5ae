#include <algorithm>
#include <vector>

#include "core/base/resident_window.h"
#include "core/host/service/baked.h"
#include "core/host/service/table.h"
#include "core/host/service/tables.h"

namespace halftone::host {

ht_tensor_view view_of(const model::Tensor &tensor) {
  ht_tensor_view view{};
  view.struct_size = sizeof(view);
  view.dtype = tensor.dtype();
  view.rank = static_cast<std::uint32_t>(tensor.shape().size());
  view.shape = tensor.shape().data();
  view.data = const_cast<std::byte *>(tensor.bytes().data());
  return view;
}

namespace {

ht_handles handles(ht_ctx *ctx, std::span<const model::Handle> list) {
  return {keep(ctx, list), list.size()};
}

ht_status HT_CALL main_graph(ht_ctx *ctx, ht_handle *graph) {
  return serve(ctx, [&] { *graph = working(ctx).model.main_graph(); });
}

ht_status HT_CALL graphs(ht_ctx *ctx, ht_handles *out) {
  return serve(ctx, [&] {
    const auto list = working(ctx).model.graphs();
    *out = handles(ctx, list);
  });
}

ht_status HT_CALL nodes(ht_ctx *ctx, ht_handle graph, ht_handles *out) {
  return serve(ctx, [&] {
    const auto list = working(ctx).model.topological_order(graph);
    *out = handles(ctx, list);
  });
}

ht_status HT_CALL values(ht_ctx *ctx, ht_handle graph, ht_handles *out) {
  return serve(ctx, [&] { *out = handles(ctx, working(ctx).model.graph(graph).values); });
}

ht_status HT_CALL inputs(ht_ctx *ctx, ht_handle graph, ht_handles *out) {
  return serve(ctx, [&] {
    const model::Model &m = working(ctx).model;
    std::vector<model::Handle> fed;
    for (const model::Handle h : m.graph(graph).inputs) {
      if (!m.value(h).initializer) fed.push_back(h);
    }
    *out = handles(ctx, fed);
  });
}

ht_status HT_CALL outputs(ht_ctx *ctx, ht_handle graph, ht_handles *out) {
  return serve(ctx, [&] { *out = handles(ctx, working(ctx).model.graph(graph).outputs); });
}

ht_status HT_CALL node_infos(ht_ctx *ctx, const ht_handle *list, std::uint64_t count, ht_node_info *infos) {
  return serve(ctx, [&] {
    const model::Model &m = working(ctx).model;
    for (std::uint64_t i = 0; i < count; ++i) {
      put_filled(element(infos, i), [&](ht_node_info &info) {
        const model::Node &node = m.node(list[i]);
        info.reserved = 0;
        info.graph = node.graph;
        info.name = text(node.name);
        info.op_type = text(node.op_type);
        info.domain = text(node.domain);
        info.opset = m.opset(node.domain);
        info.inputs = {node.inputs.data(), node.inputs.size()};
        info.outputs = {node.outputs.data(), node.outputs.size()};
      });
    }
  });
}

ht_tensor_info tensor_info(const model::ValueType &type) {
  ht_tensor_info info{};
  info.struct_size = sizeof(info);
  info.dtype = type.dtype;
  if (!type.has_shape || type.dims.size() > HT_MAX_RANK) return info;
  info.known_rank = 1;
  info.rank = static_cast<std::uint32_t>(type.dims.size());
  for (std::size_t i = 0; i < type.dims.size(); ++i) info.shape[i] = type.dims[i].extent;
  return info;
}

ht_tensor_info tensor_info(const model::Tensor &tensor) {
  ht_tensor_info info{};
  info.struct_size = sizeof(info);
  info.dtype = tensor.dtype();
  if (tensor.shape().size() > HT_MAX_RANK) return info;
  info.known_rank = 1;
  info.rank = static_cast<std::uint32_t>(tensor.shape().size());
  std::ranges::copy(tensor.shape(), info.shape);
  return info;
}

ht_status HT_CALL value_infos(ht_ctx *ctx, const ht_handle *list, std::uint64_t count, ht_value_info *infos) {
  return serve(ctx, [&] {
    const model::Model &m = working(ctx).model;
    for (std::uint64_t i = 0; i < count; ++i) {
      const model::Value &value = m.value(list[i]);
      ht_value_info info{};
      info.flags = (value.is_input ? HT_VALUE_IS_INPUT : 0U) | (value.is_output ? HT_VALUE_IS_OUTPUT : 0U) |
                   (value.initializer ? HT_VALUE_IS_INITIALIZER : 0U);
      info.graph = value.graph;
      info.name = text(value.name);
      info.producer = value.producer;
      info.producer_slot = value.producer_slot;
      info.consumer_count = static_cast<std::uint32_t>(value.consumers.size());
      info.type = value.initializer ? tensor_info(*value.initializer) : tensor_info(value.type);
      put(element(infos, i), info);
    }
  });
}

ht_status HT_CALL consumers(ht_ctx *ctx, ht_handle handle, ht_uses *uses) {
  return serve(ctx, [&] {
    std::vector<ht_use> list;
    for (const model::Use &use : working(ctx).model.value(handle).consumers) list.push_back({use.node, use.slot, 0});
    *uses = {keep(ctx, std::span<const ht_use>(list)), list.size()};
  });
}

// Fills an attribute struct from each kind of data.
struct AttributeWriter {
  ht_ctx *ctx;
  ht_attr &out;
  void operator()(std::monostate) const { out.kind = HT_ATTR_OTHER; }
  void operator()(std::int64_t i) const { out.kind = HT_ATTR_INT, out.i = i; }
  void operator()(float f) const { out.kind = HT_ATTR_FLOAT, out.f = f; }
  void operator()(const std::string &s) const { out.kind = HT_ATTR_STRING, out.s = text(s); }
  void operator()(const model::Tensor &t) const { out.kind = HT_ATTR_TENSOR, out.t = view_of(t); }
  void operator()(model::Handle graph) const { out.kind = HT_ATTR_GRAPH, out.graph = graph; }
  void operator()(const std::vector<std::int64_t> &v) const {
    out.kind = HT_ATTR_INTS, out.ints = {v.data(), v.size()};
  }
  void operator()(const std::vector<float> &v) const {
    out.kind = HT_ATTR_FLOATS;
    out.floats = v.data();
    out.float_count = v.size();
  }
  void operator()(const std::vector<std::string> &v) const {
    std::vector<ht_str> list;
    for (const std::string &s : v) list.push_back(text(s));
    out.kind = HT_ATTR_STRINGS;
    out.strings = {keep(ctx, std::span<const ht_str>(list)), list.size()};
  }
  void operator()(const model::Attribute::Subgraphs &s) const {
    out.kind = HT_ATTR_GRAPHS;
    out.graphs = {s.graphs.data(), s.graphs.size()};
  }
};

ht_status HT_CALL attribute(ht_ctx *ctx, ht_handle node, const ht_str *name, ht_attr *attr) {
  bool found = false;
  const ht_status status = serve(ctx, [&] {
    const auto &attributes = working(ctx).model.node(node).attributes;
    const auto at = attributes.find(text(name));
    if (at == attributes.end()) return;
    found = true;
    ht_attr out{};
    out.name = text(at->first);
    std::visit(AttributeWriter{ctx, out}, at->second.data);
    put(attr, out);
  });
  return status != HT_OK ? status : (found ? HT_OK : HT_NOT_FOUND);
}

ht_status HT_CALL initializer(ht_ctx *ctx, ht_handle handle, ht_tensor_view *tensor) {
  bool found = false;
  const ht_status status = serve(ctx, [&] {
    const WorkingModel &w = working(ctx);
    const model::Value &value = w.model.value(handle);
    if (!value.initializer) return;
    found = true;
    announce_read(value.initializer->bytes());
    ht_tensor_view view = view_of(*value.initializer);
    if (const auto quantizer = baked_quantizer(w, handle))
      view.data = fake_quantized(ctx, *value.initializer, *quantizer);
    put(tensor, view);
  });
  return status != HT_OK ? status : (found ? HT_OK : HT_NOT_FOUND);
}

// A held tensor shares its bytes with the model, or owns them.
ht_status HT_CALL hold_initializer(ht_ctx *ctx, ht_handle handle, ht_tensor_view *tensor, void **hold) {
  bool found = false;
  const ht_status status = serve(ctx, [&] {
    const WorkingModel &w = working(ctx);
    const model::Value &value = w.model.value(handle);
    if (!value.initializer) return;
    found = true;
    announce_read(value.initializer->bytes());
    const auto quantizer = baked_quantizer(w, handle);
    auto held = std::make_unique<model::Tensor>(quantizer ? fake_quantized(*value.initializer, *quantizer)
                                                          : *value.initializer);
    put(tensor, view_of(*held));
    *hold = held.release();
  });
  return status != HT_OK ? status : (found ? HT_OK : HT_NOT_FOUND);
}

void HT_CALL release(void *hold) {
  delete static_cast<model::Tensor *>(hold);
}

void HT_CALL set_aside(void *hold) {
  if (hold != nullptr) give_back(static_cast<const model::Tensor *>(hold)->bytes());
}

ht_status HT_CALL find_value(ht_ctx *ctx, ht_handle graph, const ht_str *name, ht_handle *out) {
  return serve(ctx, [&] {
    const model::Handle h = working(ctx).model.find_value(graph, text(name));
    if (h == HT_NONE) fail(Status::kNotFound, "no value named '{}'", text(name));
    *out = h;
  });
}

ht_status HT_CALL find_node(ht_ctx *ctx, ht_handle graph, const ht_str *name, ht_handle *out) {
  return serve(ctx, [&] {
    const model::Handle h = working(ctx).model.find_node(graph, text(name));
    if (h == HT_NONE) fail(Status::kNotFound, "no node named '{}'", text(name));
    *out = h;
  });
}

ht_status HT_CALL opset(ht_ctx *ctx, const ht_str *domain, std::int64_t *version) {
  return serve(ctx, [&] { *version = working(ctx).model.opset(text(domain)); });
}

ht_status HT_CALL revision(ht_ctx *ctx, std::uint64_t *out) {
  return serve(ctx, [&] { *out = working(ctx).model.revision(); });
}

ht_status HT_CALL metadata(ht_ctx *ctx, const ht_str *key, ht_str *out) {
  bool found = false;
  const ht_status status = serve(ctx, [&] {
    const auto &entries = working(ctx).model.metadata;
    const auto entry = entries.find(text(key));
    found = entry != entries.end();
    if (found) *out = text(entry->second);
  });
  return status == HT_OK && !found ? HT_NOT_FOUND : status;
}

}  // namespace

const ht_graph *graph_table() {
  static constexpr ht_graph kTable = {sizeof(ht_graph),  0,           &main_graph, &graphs,      &nodes,     &values,
                                      &inputs,           &outputs,    &node_infos, &value_infos, &consumers, &attribute,
                                      &initializer,      &find_value, &find_node,  &opset,       &revision,  &metadata,
                                      &hold_initializer, &release,    &set_aside};
  return &kTable;
}

}  // namespace halftone::host
