#include <vector>

#include "core/host/service/table.h"
#include "core/host/service/tables.h"

namespace halftone::host {

model::Tensor copy_of(const ht_tensor_view &view) {
  if (view.block_size != 0 || view.strides != nullptr) {
    fail(Status::kInvalidArgument, "a stored tensor must be plain and contiguous");
  }
  if (view.rank > HT_MAX_RANK)
    fail(Status::kInvalidArgument, "a tensor of rank {} (at most {})", view.rank, HT_MAX_RANK);
  model::Shape shape(view.shape, view.shape + view.rank);
  const std::size_t bytes = model::dtype_bytes(view.dtype, model::element_count(shape));
  if (view.data == nullptr && bytes > 0) fail(Status::kInvalidArgument, "a stored tensor needs data");
  const auto *data = static_cast<const std::byte *>(view.data);
  return {view.dtype, std::move(shape), std::vector<std::byte>(data, data + bytes)};
}

namespace {

model::ValueType value_type(const ht_tensor_info *info) {
  model::ValueType type;
  if (info == nullptr) return type;
  type.dtype = info->dtype;
  type.has_shape = info->known_rank != 0;
  for (std::uint32_t i = 0; type.has_shape && i < info->rank; ++i) type.dims.push_back({info->shape[i], {}});
  return type;
}

// The main graph where a caller passes none.
model::Handle graph_or_main(ht_ctx *ctx, ht_handle graph) {
  return graph == HT_NONE ? working(ctx).model.main_graph() : graph;
}

ht_status HT_CALL unique_name(ht_ctx *ctx, ht_handle graph, const ht_str *base, ht_str *name) {
  return serve_edit(ctx, [&] {
    const std::string made = working(ctx).model.unique_name(graph_or_main(ctx, graph), text(base));
    *name = {keep(ctx, std::span<const char>(made.data(), made.size())), made.size()};
  });
}

ht_status HT_CALL add_value(ht_ctx *ctx, ht_handle graph, const ht_str *name, const ht_tensor_info *type,
                            ht_handle *value) {
  return serve_edit(ctx, [&] {
    *value = working(ctx).model.add_value(graph_or_main(ctx, graph), std::string(text(name)), value_type(type));
  });
}

ht_status HT_CALL add_initializer(ht_ctx *ctx, ht_handle graph, const ht_str *name, const ht_tensor_view *tensor,
                                  ht_handle *value) {
  return serve_edit(ctx, [&] {
    *value = working(ctx).model.add_initializer(graph_or_main(ctx, graph), std::string(text(name)), copy_of(*tensor));
  });
}

ht_status HT_CALL add_node(ht_ctx *ctx, ht_handle graph, const ht_str *op_type, const ht_str *domain,
                           const ht_str *name, const ht_handles *inputs, const ht_handles *outputs, ht_handle *node) {
  return serve_edit(ctx, [&] {
    model::Model &m = working(ctx).model;
    const model::Handle where = graph_or_main(ctx, graph);
    const std::string_view base = text(name).empty() ? text(op_type) : text(name);
    std::string own(base);
    for (int suffix = 1; m.find_node(where, own) != HT_NONE; ++suffix) own = fmt::format("{}_{}", base, suffix);
    *node = m.add_node(where, std::string(text(op_type)), std::string(text(domain)), std::move(own),
                       {inputs->data, inputs->size}, {outputs->data, outputs->size});
  });
}

ht_status HT_CALL remove_node(ht_ctx *ctx, ht_handle node) {
  return serve_edit(ctx, [&] {
    WorkingModel &w = working(ctx);
    const std::size_t inputs = w.model.node(node).inputs.size(), outputs = w.model.node(node).outputs.size();
    w.model.remove_node(node);
    w.float_reasons.erase(node);
    w.dispatch.erase(node);
    w.configs.remove_slots(node, false, 0, inputs);
    w.configs.remove_slots(node, true, 0, outputs);
  });
}

ht_status HT_CALL remove_value(ht_ctx *ctx, ht_handle value) {
  return serve_edit(ctx, [&] { working(ctx).model.remove_value(value); });
}

ht_status HT_CALL set_input(ht_ctx *ctx, ht_handle node, std::uint32_t slot, ht_handle value) {
  return serve_edit(ctx, [&] { working(ctx).model.set_input(node, slot, value); });
}

ht_status HT_CALL set_output(ht_ctx *ctx, ht_handle node, std::uint32_t slot, ht_handle value) {
  return serve_edit(ctx, [&] { working(ctx).model.set_output(node, slot, value); });
}

ht_status HT_CALL resize_inputs(ht_ctx *ctx, ht_handle node, std::uint32_t count) {
  return serve_edit(ctx, [&] {
    WorkingModel &w = working(ctx);
    const std::size_t before = w.model.node(node).inputs.size();
    w.model.resize_inputs(node, count);
    w.configs.remove_slots(node, false, count, before);
  });
}

ht_status HT_CALL replace_uses(ht_ctx *ctx, ht_handle from, ht_handle to) {
  return serve_edit(ctx, [&] { working(ctx).model.replace_uses(from, to); });
}

ht_status HT_CALL set_op_type(ht_ctx *ctx, ht_handle node, const ht_str *op_type, const ht_str *domain) {
  return serve_edit(
      ctx, [&] { working(ctx).model.set_op_type(node, std::string(text(op_type)), std::string(text(domain))); });
}

model::Attribute attribute_from(const ht_attr &attr) {
  model::Attribute out;
  switch (attr.kind) {
    case HT_ATTR_INT:
      out.data = attr.i;
      break;
    case HT_ATTR_FLOAT:
      out.data = static_cast<float>(attr.f);
      break;
    case HT_ATTR_STRING:
      out.data = std::string(text(&attr.s));
      break;
    case HT_ATTR_TENSOR:
      out.data = copy_of(attr.t);
      break;
    case HT_ATTR_INTS:
      out.data = std::vector<std::int64_t>(attr.ints.data, attr.ints.data + attr.ints.size);
      break;
    case HT_ATTR_FLOATS:
      out.data = std::vector<float>(attr.floats, attr.floats + attr.float_count);
      break;
    case HT_ATTR_STRINGS: {
      std::vector<std::string> list;
      for (std::uint64_t i = 0; i < attr.strings.size; ++i) list.emplace_back(text(&attr.strings.data[i]));
      out.data = std::move(list);
      break;
    }
    default:
      fail(Status::kInvalidArgument, "attributes of kind {} cannot be set", attr.kind);
  }
  return out;
}

ht_status HT_CALL set_attribute(ht_ctx *ctx, ht_handle node, const ht_attr *attr) {
  return serve_edit(ctx, [&] { working(ctx).model.set_attribute(node, text(&attr->name), attribute_from(*attr)); });
}

ht_status HT_CALL remove_attribute(ht_ctx *ctx, ht_handle node, const ht_str *name) {
  return serve_edit(ctx, [&] { working(ctx).model.remove_attribute(node, text(name)); });
}

ht_status HT_CALL set_initializer(ht_ctx *ctx, ht_handle value, const ht_tensor_view *tensor) {
  return serve_edit(ctx, [&] { working(ctx).model.set_initializer(value, copy_of(*tensor)); });
}

ht_status HT_CALL rename_value(ht_ctx *ctx, ht_handle value, const ht_str *name) {
  return serve_edit(ctx, [&] { working(ctx).model.rename_value(value, std::string(text(name))); });
}

ht_status HT_CALL rename_node(ht_ctx *ctx, ht_handle node, const ht_str *name) {
  return serve_edit(ctx, [&] { working(ctx).model.rename_node(node, std::string(text(name))); });
}

ht_status HT_CALL set_opset(ht_ctx *ctx, const ht_str *domain, std::int64_t version) {
  return serve_edit(ctx, [&] { working(ctx).model.set_opset(std::string(text(domain)), version); });
}

ht_status HT_CALL set_metadata(ht_ctx *ctx, const ht_str *key, const ht_str *value) {
  return serve_edit(ctx, [&] { working(ctx).model.metadata[std::string(text(key))] = std::string(text(value)); });
}

ht_status HT_CALL unlist_initializer(ht_ctx *ctx, ht_handle value) {
  return serve_edit(ctx, [&] {
    model::Model &m = working(ctx).model;
    if (!m.value(value).initializer) {
      fail(Status::kFailedPrecondition, "value '{}' has no stored tensor: an input without one stays listed",
           m.value(value).name);
    }
    m.unmark_input(value);
  });
}

}  // namespace

const ht_graph_edit *graph_edit_table() {
  static constexpr ht_graph_edit kTable = {sizeof(ht_graph_edit),
                                           0,
                                           &unique_name,
                                           &add_value,
                                           &add_initializer,
                                           &add_node,
                                           &remove_node,
                                           &remove_value,
                                           &set_input,
                                           &set_output,
                                           &resize_inputs,
                                           &replace_uses,
                                           &set_op_type,
                                           &set_attribute,
                                           &remove_attribute,
                                           &set_initializer,
                                           &rename_value,
                                           &rename_node,
                                           &set_opset,
                                           &set_metadata,
                                           &unlist_initializer};
  return &kTable;
}

}  // namespace halftone::host
