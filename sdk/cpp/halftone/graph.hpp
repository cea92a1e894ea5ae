// The model in C++: thin, typed access over "ht.graph/1" and "ht.graph_edit/1". Failures throw.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "halftone/host.hpp"

namespace halftone::sdk {

inline std::span<const ht_handle> span_of(ht_handles h) {
  return {h.data, static_cast<std::size_t>(h.size)};
}

class Node {
 public:
  Node(const ht_node_info &info, ht_handle h) : handle(h), info_(info) {}
  std::string_view name() const { return view(info_.name); }
  std::string_view op_type() const { return view(info_.op_type); }
  std::string_view domain() const { return view(info_.domain); }
  std::int64_t opset() const { return info_.opset; }
  ht_handle graph() const { return info_.graph; }
  std::span<const ht_handle> inputs() const { return span_of(info_.inputs); }
  std::span<const ht_handle> outputs() const { return span_of(info_.outputs); }
  ht_handle input(std::size_t slot) const { return slot < inputs().size() ? inputs()[slot] : HT_NONE; }
  ht_handle output(std::size_t slot) const { return slot < outputs().size() ? outputs()[slot] : HT_NONE; }
  bool is(std::string_view type) const { return op_type() == type && domain().empty(); }

  ht_handle handle;

 private:
  ht_node_info info_;
};

struct Value {
  ht_handle handle = HT_NONE;
  ht_value_info info{};
  std::string_view name() const { return view(info.name); }
  bool is_initializer() const { return (info.flags & HT_VALUE_IS_INITIALIZER) != 0; }
  bool is_input() const { return (info.flags & HT_VALUE_IS_INPUT) != 0; }
  bool is_output() const { return (info.flags & HT_VALUE_IS_OUTPUT) != 0; }
};

// A tensor that outlives the call and the model; see hold_initializer() of the C table. Copies share it.
class HeldTensor {
 public:
  HeldTensor(const ht_graph &api, const ht_tensor_view &view, void *hold)
      : api_(&api), view_(view), hold_(hold, api.release) {}
  const ht_tensor_view &view() const { return view_; }
  // Says that the bytes are not read soon; they may be all the same.
  void set_aside() const { api_->set_aside(hold_.get()); }
  // The bytes, which keep the tensor alive.
  std::shared_ptr<std::byte> bytes() const { return {hold_, static_cast<std::byte *>(view_.data)}; }

 private:
  const ht_graph *api_;
  ht_tensor_view view_;
  std::shared_ptr<void> hold_;
};

class Graph {
 public:
  explicit Graph(const Context &ctx) : ctx_(ctx), api_(ctx.host.graph) {
    if (api_ == nullptr) throw Failure(HT_PERMISSION_DENIED, "the component did not declare HT_CAP_GRAPH_READ");
  }
  ht_handle main() const {
    ht_handle h = HT_NONE;
    check(api_->main_graph(ctx_.raw, &h));
    return h;
  }
  std::span<const ht_handle> graphs() const {
    ht_handles h{};
    check(api_->graphs(ctx_.raw, &h));
    return span_of(h);
  }
  // Nodes in topological order; a copy, so that edits may follow.
  std::vector<ht_handle> nodes(ht_handle graph) const {
    ht_handles h{};
    check(api_->nodes(ctx_.raw, graph, &h));
    return {h.data, h.data + h.size};
  }
  std::vector<ht_handle> nodes() const { return nodes(main()); }
  std::span<const ht_handle> inputs(ht_handle graph) const {
    ht_handles h{};
    check(api_->inputs(ctx_.raw, graph, &h));
    return span_of(h);
  }
  std::span<const ht_handle> outputs(ht_handle graph) const {
    ht_handles h{};
    check(api_->outputs(ctx_.raw, graph, &h));
    return span_of(h);
  }
  std::span<const ht_handle> values(ht_handle graph) const {
    ht_handles h{};
    check(api_->values(ctx_.raw, graph, &h));
    return span_of(h);
  }
  // Views into the model: valid until the next edit.
  Node node(ht_handle handle) const {
    ht_node_info info{};
    info.struct_size = sizeof(info);
    check(api_->node_infos(ctx_.raw, &handle, 1, &info));
    return Node(info, handle);
  }
  Value value(ht_handle handle) const {
    Value v;
    v.handle = handle;
    v.info.struct_size = sizeof(v.info);
    check(api_->value_infos(ctx_.raw, &handle, 1, &v.info));
    return v;
  }
  std::vector<ht_use> consumers(ht_handle value) const {
    ht_uses uses{};
    check(api_->consumers(ctx_.raw, value, &uses));
    return {uses.data, uses.data + uses.size};
  }
  // The only consumer of a value that is no graph output; nullopt otherwise.
  std::optional<ht_use> sole_consumer(ht_handle handle) const {
    const std::vector<ht_use> uses = consumers(handle);
    if (uses.size() != 1 || value(handle).is_output()) return std::nullopt;
    return uses.front();
  }
  std::optional<ht_attr> attribute(ht_handle node, std::string_view name) const {
    ht_attr attr{};
    attr.struct_size = sizeof(attr);
    const ht_str n = view(name);
    const ht_status status = api_->attribute(ctx_.raw, node, &n, &attr);
    if (status == HT_NOT_FOUND) return std::nullopt;
    check(status);
    return attr;
  }
  std::int64_t attribute_int(ht_handle node, std::string_view name, std::int64_t deflt) const {
    const auto a = attribute(node, name);
    return a && a->kind == HT_ATTR_INT ? a->i : deflt;
  }
  double attribute_float(ht_handle node, std::string_view name, double deflt) const {
    const auto a = attribute(node, name);
    return a && a->kind == HT_ATTR_FLOAT ? a->f : deflt;
  }
  std::string attribute_text(ht_handle node, std::string_view name, std::string_view deflt) const {
    const auto a = attribute(node, name);
    return std::string(a && a->kind == HT_ATTR_STRING ? view(a->s) : deflt);
  }
  std::vector<std::int64_t> attribute_ints(ht_handle node, std::string_view name) const {
    const auto a = attribute(node, name);
    if (!a || a->kind != HT_ATTR_INTS) return {};
    return {a->ints.data, a->ints.data + a->ints.size};
  }
  std::optional<ht_tensor_view> initializer(ht_handle value) const {
    if (value == HT_NONE) return std::nullopt;
    ht_tensor_view tensor{};
    tensor.struct_size = sizeof(tensor);
    const ht_status status = api_->initializer(ctx_.raw, value, &tensor);
    if (status == HT_NOT_FOUND) return std::nullopt;
    check(status);
    return tensor;
  }
  std::optional<HeldTensor> hold(ht_handle value) const {
    if (value == HT_NONE) return std::nullopt;
    ht_tensor_view tensor{};
    tensor.struct_size = sizeof(tensor);
    void *hold = nullptr;
    const ht_status status = api_->hold_initializer(ctx_.raw, value, &tensor, &hold);
    if (status == HT_NOT_FOUND) return std::nullopt;
    check(status);
    return HeldTensor(*api_, tensor, hold);
  }
  std::int64_t opset(std::string_view domain = "") const {
    std::int64_t version = 0;
    const ht_str d = view(domain);
    check(api_->opset(ctx_.raw, &d, &version));
    return version;
  }
  std::optional<std::string> metadata(std::string_view key) const {
    ht_str text{};
    const ht_str k = view(key);
    const ht_status status = api_->metadata(ctx_.raw, &k, &text);
    if (status == HT_NOT_FOUND) return std::nullopt;
    check(status);
    return std::string(view(text));
  }

 private:
  const Context &ctx_;
  const ht_graph *api_;
};

// A float32 tensor over memory of the caller's.
inline ht_tensor_view float_view(const float *data, std::span<const std::int64_t> shape) {
  ht_tensor_view v{};
  v.struct_size = sizeof(v);
  v.dtype = HT_F32;
  v.rank = static_cast<std::uint32_t>(shape.size());
  v.shape = shape.data();
  v.data = const_cast<float *>(data);
  return v;
}
inline std::span<const std::int64_t> shape_of(const ht_tensor_view &t) {
  return {t.shape, t.rank};
}
inline std::int64_t count_of(const ht_tensor_view &t) {
  std::int64_t n = 1;
  for (std::uint32_t i = 0; i < t.rank; ++i) n *= t.shape[i];
  return n;
}

class GraphEdit {
 public:
  explicit GraphEdit(const Context &ctx) : ctx_(ctx), api_(ctx.host.graph_edit) {
    if (api_ == nullptr) throw Failure(HT_PERMISSION_DENIED, "the component did not declare HT_CAP_GRAPH_EDIT");
  }
  std::string unique_name(ht_handle graph, std::string_view base) const {
    ht_str name{};
    const ht_str b = view(base);
    check(api_->unique_name(ctx_.raw, graph, &b, &name));
    return std::string(view(name));
  }
  // Under a name made unique from `base`.
  ht_handle add_value(ht_handle graph, std::string_view base, const ht_tensor_info *type = nullptr) const {
    const std::string name = unique_name(graph, base);
    const ht_str n = view(name);
    ht_handle h = HT_NONE;
    check(api_->add_value(ctx_.raw, graph, &n, type, &h));
    return h;
  }
  ht_handle add_initializer(ht_handle graph, std::string_view base, const ht_tensor_view &tensor) const {
    const std::string name = unique_name(graph, base);
    const ht_str n = view(name);
    ht_handle h = HT_NONE;
    check(api_->add_initializer(ctx_.raw, graph, &n, &tensor, &h));
    return h;
  }
  ht_handle add_node(ht_handle graph, std::string_view op_type, std::string_view name,
                     std::span<const ht_handle> inputs, std::span<const ht_handle> outputs,
                     std::string_view domain = "") const {
    const ht_str t = view(op_type), d = view(domain), n = view(name);
    const ht_handles in{inputs.data(), inputs.size()}, out{outputs.data(), outputs.size()};
    ht_handle h = HT_NONE;
    check(api_->add_node(ctx_.raw, graph, &t, &d, &n, &in, &out, &h));
    return h;
  }
  void remove_node(ht_handle node) const { check(api_->remove_node(ctx_.raw, node)); }
  void remove_value(ht_handle value) const { check(api_->remove_value(ctx_.raw, value)); }
  void set_input(ht_handle node, std::uint32_t slot, ht_handle value) const {
    check(api_->set_input(ctx_.raw, node, slot, value));
  }
  void set_output(ht_handle node, std::uint32_t slot, ht_handle value) const {
    check(api_->set_output(ctx_.raw, node, slot, value));
  }
  void resize_inputs(ht_handle node, std::uint32_t count) const { check(api_->resize_inputs(ctx_.raw, node, count)); }
  void replace_uses(ht_handle from, ht_handle to) const { check(api_->replace_uses(ctx_.raw, from, to)); }
  void set_op_type(ht_handle node, std::string_view op_type, std::string_view domain = "") const {
    const ht_str t = view(op_type), d = view(domain);
    check(api_->set_op_type(ctx_.raw, node, &t, &d));
  }
  void set_int(ht_handle node, std::string_view name, std::int64_t value) const {
    ht_attr a = attr(HT_ATTR_INT, name);
    a.i = value;
    check(api_->set_attribute(ctx_.raw, node, &a));
  }
  void set_float(ht_handle node, std::string_view name, double value) const {
    ht_attr a = attr(HT_ATTR_FLOAT, name);
    a.f = value;
    check(api_->set_attribute(ctx_.raw, node, &a));
  }
  void set_text(ht_handle node, std::string_view name, std::string_view value) const {
    ht_attr a = attr(HT_ATTR_STRING, name);
    a.s = view(value);
    check(api_->set_attribute(ctx_.raw, node, &a));
  }
  void set_ints(ht_handle node, std::string_view name, std::span<const std::int64_t> values) const {
    ht_attr a = attr(HT_ATTR_INTS, name);
    a.ints = {values.data(), values.size()};
    check(api_->set_attribute(ctx_.raw, node, &a));
  }
  void remove_attribute(ht_handle node, std::string_view name) const {
    const ht_str n = view(name);
    check(api_->remove_attribute(ctx_.raw, node, &n));
  }
  void set_initializer(ht_handle value, const ht_tensor_view &tensor) const {
    check(api_->set_initializer(ctx_.raw, value, &tensor));
  }
  void rename_value(ht_handle value, std::string_view name) const {
    const ht_str n = view(name);
    check(api_->rename_value(ctx_.raw, value, &n));
  }
  // See ht_graph_edit: the initializer is no longer listed among the inputs of its graph.
  void unlist_initializer(ht_handle value) const { check(api_->unlist_initializer(ctx_.raw, value)); }
  void set_opset(std::string_view domain, std::int64_t version) const {
    const ht_str d = view(domain);
    check(api_->set_opset(ctx_.raw, &d, version));
  }
  void set_metadata(std::string_view key, std::string_view text) const {
    const ht_str k = view(key), t = view(text);
    check(api_->set_metadata(ctx_.raw, &k, &t));
  }

 private:
  static ht_attr attr(std::uint32_t kind, std::string_view name) {
    ht_attr a{};
    a.struct_size = sizeof(a);
    a.kind = kind;
    a.name = view(name);
    return a;
  }
  const Context &ctx_;
  const ht_graph_edit *api_;
};

}  // namespace halftone::sdk
