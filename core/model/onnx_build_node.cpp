#include <type_traits>

#include "core/base/error.h"
#include "core/model/onnx_build_graph.h"

namespace halftone::model {
namespace {

using Kind = onnx::AttributeProto::AttributeType;

void write_names(const Model &model, const std::vector<Handle> &values,
                 google::protobuf::RepeatedPtrField<std::string> &names) {
  const auto before = static_cast<std::size_t>(names.size());
  std::size_t count = values.size();
  while (count > before && values[count - 1] == HT_NONE) --count;  // empty slots at the end say nothing
  names.Clear();
  for (std::size_t i = 0; i < count; ++i)
    names.Add(values[i] == HT_NONE ? std::string() : std::string(model.value(values[i]).name));
}

Kind kind_of(const Attribute &attribute) {
  struct Visitor {
    Kind operator()(std::monostate) const { return onnx::AttributeProto::UNDEFINED; }
    Kind operator()(std::int64_t) const { return onnx::AttributeProto::INT; }
    Kind operator()(float) const { return onnx::AttributeProto::FLOAT; }
    Kind operator()(const std::string &) const { return onnx::AttributeProto::STRING; }
    Kind operator()(const Tensor &) const { return onnx::AttributeProto::TENSOR; }
    Kind operator()(Handle) const { return onnx::AttributeProto::GRAPH; }
    Kind operator()(const std::vector<std::int64_t> &) const { return onnx::AttributeProto::INTS; }
    Kind operator()(const std::vector<float> &) const { return onnx::AttributeProto::FLOATS; }
    Kind operator()(const std::vector<std::string> &) const { return onnx::AttributeProto::STRINGS; }
    Kind operator()(const Attribute::Subgraphs &) const { return onnx::AttributeProto::GRAPHS; }
  };
  return std::visit(Visitor{}, attribute.data);
}

void clear_payload(onnx::AttributeProto &proto) {
  const std::string name = proto.name(), doc_string = proto.doc_string();
  const bool has_doc = proto.has_doc_string();
  proto.Clear();
  proto.set_name(name);
  if (has_doc) proto.set_doc_string(doc_string);
}

}  // namespace

const onnx::NodeProto *GraphBuilder::original(const Node &node) const {
  if (model_.sidecar == nullptr || node.origin < 0) return nullptr;
  return model_.sidecar->nodes.at(static_cast<std::size_t>(node.origin));
}

void GraphBuilder::write_node(const Node &node, onnx::NodeProto &proto) {
  const onnx::NodeProto *before = original(node);
  if (before != nullptr) proto = *before;
  write_names(model_, node.inputs, *proto.mutable_input());
  write_names(model_, node.outputs, *proto.mutable_output());
  if (proto.op_type() != node.op_type) proto.set_op_type(node.op_type);
  const std::string domain = proto.domain() == "ai.onnx" ? std::string() : proto.domain();
  if (domain != node.domain) proto.set_domain(node.domain);
  // A name that the import made up, or made unique, is not written until someone renames the node.
  const bool renamed =
      before == nullptr || node.name != model_.sidecar->node_names.at(static_cast<std::size_t>(node.origin));
  if (renamed) proto.set_name(node.name);
  try {
    write_attributes(node, proto);
  } catch (Error &error) {
    throw error.note(fmt::format("in node '{}' ({})", node.name, node.op_type));
  }
}

void GraphBuilder::write_attributes(const Node &node, onnx::NodeProto &proto) {
  auto &attributes = *proto.mutable_attribute();
  std::map<std::string_view, const Attribute *> missing;
  for (const auto &[name, attribute] : node.attributes) missing.emplace(name, &attribute);
  for (int i = 0; i < attributes.size();) {
    const auto found = node.attributes.find(attributes[i].name());
    if (found == node.attributes.end()) {
      attributes.DeleteSubrange(i, 1);
      continue;
    }
    missing.erase(found->first);
    write_attribute(found->second, attributes[i++]);
  }
  for (const auto &[name, attribute] : missing) {
    onnx::AttributeProto &added = *attributes.Add();
    added.set_name(std::string(name));
    if (std::holds_alternative<std::monostate>(attribute->data)) {
      fail(Status::kFailedPrecondition, "attribute '{}' is of a kind that cannot be moved to another node", name);
    }
    write_attribute(*attribute, added);
  }
}

void GraphBuilder::write_attribute(const Attribute &attribute, onnx::AttributeProto &proto) {
  const Kind kind = kind_of(attribute);
  if (kind == onnx::AttributeProto::UNDEFINED) return;  // not modelled: stays as it was read
  if (proto.type() != kind) {
    clear_payload(proto);
    proto.set_type(kind);
  }
  std::visit(
      [&](const auto &data) {
        using T = std::decay_t<decltype(data)>;
        if constexpr (std::is_same_v<T, std::int64_t>) proto.set_i(data);
        if constexpr (std::is_same_v<T, float>) proto.set_f(data);
        if constexpr (std::is_same_v<T, std::string>) proto.set_s(data);
        if constexpr (std::is_same_v<T, Tensor>) write_(data, *proto.mutable_t(), ConstantPlace::kAttribute);
        if constexpr (std::is_same_v<T, Handle>) build_subgraph(data, *proto.mutable_g());
        if constexpr (std::is_same_v<T, std::vector<std::int64_t>>)
          proto.mutable_ints()->Assign(data.begin(), data.end());
        if constexpr (std::is_same_v<T, std::vector<float>>) proto.mutable_floats()->Assign(data.begin(), data.end());
        if constexpr (std::is_same_v<T, std::vector<std::string>>)
          proto.mutable_strings()->Assign(data.begin(), data.end());
        if constexpr (std::is_same_v<T, Attribute::Subgraphs>) {
          auto &graphs = *proto.mutable_graphs();
          const int count = static_cast<int>(data.graphs.size());
          if (graphs.size() > count) graphs.DeleteSubrange(count, graphs.size() - count);
          while (graphs.size() < count) graphs.Add();
          for (int i = 0; i < count; ++i) build_subgraph(data.graphs[static_cast<std::size_t>(i)], graphs[i]);
        }
      },
      attribute.data);
}

}  // namespace halftone::model
