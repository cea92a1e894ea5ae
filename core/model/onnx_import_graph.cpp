#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "core/base/error.h"
#include "core/model/onnx_import.h"
#include "core/model/onnx_type.h"

namespace halftone::model {
namespace {

class GraphImporter {
 public:
  GraphImporter(Sidecar &sidecar, ExternalData &external, Model &model, std::vector<std::string> &warnings)
      : sidecar_(sidecar), external_(external), model_(model), warnings_(warnings) {
    collect_names(sidecar.proto.graph(), file_names_);
  }

  void import(Handle graph, onnx::GraphProto &proto) {
    sidecar_.graphs[graph] = &proto;
    scopes_.emplace_back();
    declare_inputs(graph, proto);
    declare_initializers(graph, proto);
    declare_sparse_initializers(graph, proto);
    for (const onnx::NodeProto &node : proto.node()) declare_node_outputs(graph, node);
    for (onnx::NodeProto &node : *proto.mutable_node()) add_node(graph, node);
    read_value_infos(graph, proto);
    mark_outputs(graph, proto);
    scopes_.pop_back();
  }

 private:
  // By the name in the file; views into the sidecar's message, which outlives the import.
  using Scope = std::unordered_map<std::string_view, Handle>;

  Handle find_here(std::string_view name) const {
    const auto found = scopes_.back().find(name);
    return found == scopes_.back().end() ? HT_NONE : found->second;
  }

  Handle find_outside(std::string_view name) const {
    for (std::size_t i = scopes_.size() - 1; i-- > 0;) {
      const auto found = scopes_[i].find(name);
      if (found != scopes_[i].end()) return found->second;
    }
    return HT_NONE;
  }

  Handle find(std::string_view name) const {
    const Handle here = find_here(name);
    return here != HT_NONE ? here : find_outside(name);
  }

  Handle declare(Handle graph, const std::string &name, std::string_view role) {
    if (name.empty())
      fail(Status::kInvalidArgument, "{} {} has no name; export the model again", role.starts_with('o') ? "an" : "a",
           role);
    if (find_here(name) != HT_NONE) {
      fail(Status::kInvalidArgument,
           "value '{}' is defined twice (the second time as {} {}); every value needs one origin; give one of the two "
           "another name",
           name, role.starts_with('o') ? "an" : "a", role);
    }
    std::string unique = name;
    if (find_outside(name) != HT_NONE) {
      unique = model_.unique_name(graph, name);
      warnings_.push_back(
          fmt::format("a subgraph reuses the outer name '{}'; its own value is called '{}' here", name, unique));
    } else if (model_.find_value(graph, name) != HT_NONE) {
      unique = model_.unique_name(graph, name);  // taken by a name made up for another value
    }
    const Handle h = model_.add_value(graph, std::move(unique));
    scopes_.back().emplace(name, h);
    return h;
  }

  void declare_inputs(Handle graph, const onnx::GraphProto &proto) {
    for (const onnx::ValueInfoProto &info : proto.input()) {
      const Handle h = declare(graph, info.name(), "graph input");
      sidecar_.values[h].input = &info;
      model_.set_type(h, read_type(info.type()));
      model_.mark_input(h);
    }
  }

  void declare_initializers(Handle graph, onnx::GraphProto &proto) {
    std::int32_t position = 0;
    for (onnx::TensorProto &tensor : *proto.mutable_initializer()) {
      Handle h = find_here(tensor.name());
      if (h == HT_NONE || model_.value(h).initializer) h = declare(graph, tensor.name(), "constant");
      const bool known_type = dtype_from_onnx(tensor.data_type()) != HT_DTYPE_NONE;
      model_.set_initializer(h, take_tensor(tensor, external_));
      if (!known_type) model_.set_type(h, {});
      sidecar_.values[h].initializer = &tensor;
      sidecar_.values[h].position = position++;
    }
  }

  void declare_sparse_initializers(Handle graph, const onnx::GraphProto &proto) {
    for (const onnx::SparseTensorProto &sparse : proto.sparse_initializer()) {
      Handle h = find_here(sparse.values().name());
      if (h == HT_NONE || model_.value(h).initializer) h = declare(graph, sparse.values().name(), "sparse constant");
      ValueOrigin &origin = sidecar_.values[h];
      origin.sparse = &sparse;
      const std::string text = sparse.SerializeAsString();
      const auto bytes = std::as_bytes(std::span(text.data(), text.size()));
      origin.sparse_stand_in = Tensor(HT_STRING, Shape(sparse.dims().begin(), sparse.dims().end()),
                                      std::vector<std::byte>(bytes.begin(), bytes.end()));
      const ValueType declared = model_.value(h).type;
      model_.set_initializer(h, origin.sparse_stand_in);
      model_.set_type(h, declared);
    }
  }

  void declare_node_outputs(Handle graph, const onnx::NodeProto &node) {
    for (const std::string &name : node.output()) {
      if (!name.empty()) declare(graph, name, fmt::format("output of node '{}' ({})", node.name(), node.op_type()));
    }
  }

  static void collect_names(const onnx::GraphProto &proto, std::unordered_set<std::string> &names) {
    for (const onnx::NodeProto &node : proto.node()) {
      names.insert(node.name());
      for (const onnx::AttributeProto &a : node.attribute()) {
        if (a.has_g()) collect_names(a.g(), names);
        for (const onnx::GraphProto &g : a.graphs()) collect_names(g, names);
      }
    }
  }

  // Nodes may share a name or have none in a file; here each has one of its own, made the same way every time. A
  // made-up name is never one that another node of the file has.
  std::string own_name(Handle graph, const std::string &wanted, const std::string &op_type) {
    if (!wanted.empty() && node_names_.insert(wanted).second) return wanted;
    std::string stem = wanted;
    if (wanted.empty()) stem = fmt::format("{}_{}", op_type, model_.graph(graph).nodes.size());
    std::string name = stem;
    while (file_names_.contains(name) || !node_names_.insert(name).second) {
      name = fmt::format("{}_{}", stem, ++name_counts_[stem]);
    }
    return name;
  }

  std::vector<Handle> resolve_inputs(const onnx::NodeProto &node, const std::string &name) const {
    std::vector<Handle> inputs;
    for (const std::string &input : node.input()) {
      const Handle h = input.empty() ? HT_NONE : find(input);
      if (!input.empty() && h == HT_NONE) {
        fail(Status::kInvalidArgument,
             "node '{}' ({}) reads '{}', which no node produces and which is neither a constant nor a graph input; "
             "export the model again",
             name, node.op_type(), input);
      }
      inputs.push_back(h);
    }
    return inputs;
  }

  void add_node(Handle graph, onnx::NodeProto &proto) {
    std::string name = own_name(graph, proto.name(), proto.op_type());
    if (proto.op_type().empty())
      fail(Status::kInvalidArgument, "node '{}' has no operator type; export the model again", name);
    const std::vector<Handle> inputs = resolve_inputs(proto, name);
    std::vector<Handle> outputs;
    for (const std::string &output : proto.output()) outputs.push_back(output.empty() ? HT_NONE : find_here(output));
    const Handle h = model_.add_node(graph, proto.op_type(), proto.domain(), name, inputs, outputs);
    model_.set_origin(h, static_cast<std::int32_t>(sidecar_.nodes.size()));
    sidecar_.nodes.push_back(&proto);
    sidecar_.node_names.push_back(std::move(name));
    for (onnx::AttributeProto &attribute : *proto.mutable_attribute()) {
      try {
        model_.set_attribute(h, attribute.name(), read_attribute(h, attribute));
      } catch (Error &error) {
        throw error.note(
            fmt::format("in attribute '{}' of node '{}' ({})", attribute.name(), model_.node(h).name, proto.op_type()));
      }
    }
  }

  Handle import_subgraph(Handle owner, onnx::GraphProto &proto) {
    const Handle g = model_.add_graph(proto.name(), owner);
    import(g, proto);
    return g;
  }

  // Files older than IR version 2 do not say which field is in use.
  static onnx::AttributeProto::AttributeType kind_of(const onnx::AttributeProto &a) {
    if (a.type() != onnx::AttributeProto::UNDEFINED) return a.type();
    if (a.has_f()) return onnx::AttributeProto::FLOAT;
    if (a.has_i()) return onnx::AttributeProto::INT;
    if (a.has_s()) return onnx::AttributeProto::STRING;
    if (a.has_t()) return onnx::AttributeProto::TENSOR;
    if (a.has_g()) return onnx::AttributeProto::GRAPH;
    if (a.floats_size() > 0) return onnx::AttributeProto::FLOATS;
    if (a.ints_size() > 0) return onnx::AttributeProto::INTS;
    if (a.strings_size() > 0) return onnx::AttributeProto::STRINGS;
    return onnx::AttributeProto::UNDEFINED;
  }

  Attribute read_attribute(Handle owner, onnx::AttributeProto &a) {
    switch (kind_of(a)) {
      case onnx::AttributeProto::FLOAT:
        return {a.f()};
      case onnx::AttributeProto::INT:
        return {static_cast<std::int64_t>(a.i())};
      case onnx::AttributeProto::STRING:
        return {a.s()};
      case onnx::AttributeProto::TENSOR:
        return {take_tensor(*a.mutable_t(), external_)};
      case onnx::AttributeProto::GRAPH:
        return {import_subgraph(owner, *a.mutable_g())};
      case onnx::AttributeProto::FLOATS:
        return {std::vector<float>(a.floats().begin(), a.floats().end())};
      case onnx::AttributeProto::INTS:
        return {std::vector<std::int64_t>(a.ints().begin(), a.ints().end())};
      case onnx::AttributeProto::STRINGS:
        return {std::vector<std::string>(a.strings().begin(), a.strings().end())};
      case onnx::AttributeProto::GRAPHS: {
        Attribute::Subgraphs inner;
        for (onnx::GraphProto &g : *a.mutable_graphs()) inner.graphs.push_back(import_subgraph(owner, g));
        return {std::move(inner)};
      }
      default:
        return {};
    }
  }

  void read_value_infos(Handle graph, const onnx::GraphProto &proto) {
    for (const onnx::ValueInfoProto &info : proto.value_info()) {
      const Handle h = find_here(info.name());
      if (h == HT_NONE || sidecar_.values[h].info != nullptr) {
        sidecar_.foreign_infos[graph].push_back(&info);
        continue;
      }
      sidecar_.values[h].info = &info;
      if (model_.value(h).type.dtype == HT_DTYPE_NONE) model_.set_type(h, read_type(info.type()));
    }
  }

  void mark_outputs(Handle graph, const onnx::GraphProto &proto) {
    for (const onnx::ValueInfoProto &info : proto.output()) {
      Handle h = find_here(info.name());
      const bool inner = graph != model_.main_graph();
      if (h == HT_NONE && find_outside(info.name()) == HT_NONE) {
        fail(Status::kInvalidArgument, "graph output '{}' is produced by no node; export the model again", info.name());
      }
      if (h != HT_NONE && model_.value(h).is_output && !inner) {
        fail(Status::kInvalidArgument, "graph output '{}' is listed twice; give each output a name of its own",
             info.name());
      }
      // A subgraph's outputs count by position, so that a copy may stand for a value that cannot be one itself.
      if (h == HT_NONE || model_.value(h).is_output) h = add_copy(graph, info.name());
      sidecar_.values[h].output = &info;
      const Value &value = model_.value(h);
      const ValueType declared = read_type(info.type());
      if (!value.is_input && !value.initializer && declared.dtype != HT_DTYPE_NONE) model_.set_type(h, declared);
      model_.mark_output(h);
    }
  }

  Handle add_copy(Handle graph, const std::string &name) {
    const Handle source = find(name);
    const Handle copy = model_.add_value(graph, model_.unique_name(graph, name + "_copy"), model_.value(source).type);
    model_.add_node(graph, "Identity", "", own_name(graph, "", "Identity"), {&source, 1}, {&copy, 1});
    warnings_.push_back(
        fmt::format("a subgraph returns '{}' in a form that ONNX does not allow; an Identity node was added", name));
    return copy;
  }

  Sidecar &sidecar_;
  ExternalData &external_;
  Model &model_;
  std::vector<std::string> &warnings_;
  std::vector<Scope> scopes_;
  std::unordered_set<std::string> file_names_, node_names_;
  std::unordered_map<std::string, std::size_t> name_counts_;
};

}  // namespace

void import_graphs(Sidecar &sidecar, ExternalData &external, Model &model, std::vector<std::string> &warnings) {
  GraphImporter(sidecar, external, model, warnings).import(model.main_graph(), *sidecar.proto.mutable_graph());
}

}  // namespace halftone::model
