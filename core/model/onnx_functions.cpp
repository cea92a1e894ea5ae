#include "core/model/onnx_functions.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "core/base/error.h"
#include "core/model/onnx_function_size.h"
#include "core/model/onnx_proto.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Woverloaded-virtual"
#pragma GCC diagnostic ignored "-Wnon-virtual-dtor"
#include <onnx/defs/schema.h>
#pragma GCC diagnostic pop

namespace halftone::model {
namespace {

// All names of values and nodes in a graph and its bodies.
void collect_names(const onnx::GraphProto &graph, std::unordered_set<std::string> &names) {
  for (const auto &value : graph.input()) names.insert(value.name());
  for (const auto &value : graph.initializer()) names.insert(value.name());
  for (const onnx::NodeProto &node : graph.node()) {
    names.insert(node.name());
    names.insert(node.output().begin(), node.output().end());
    for (const onnx::AttributeProto &a : node.attribute()) {
      if (a.has_g()) collect_names(a.g(), names);
      for (const onnx::GraphProto &g : a.graphs()) collect_names(g, names);
    }
  }
}

// Defaults of a function's attributes, which files of IR version 9 and newer may have.
template <typename Function, typename Take>
void take_defaults(const Function &function, const Take &take) {
  if constexpr (requires { function.attribute_proto(); }) {
    for (const onnx::AttributeProto &attribute : function.attribute_proto()) take(attribute);
  }
}

// One call: the function's nodes with the names of the caller.
class Call {
 public:
  Call(const onnx::NodeProto &node, const onnx::FunctionProto &function, std::unordered_set<std::string> &taken)
      : node_(node), function_(function), taken_(taken) {
    prefix_ = node.name().empty() ? node.op_type() : node.name();
    take_defaults(function, [&](const onnx::AttributeProto &a) { attributes_[a.name()] = &a; });
    for (const onnx::AttributeProto &a : node.attribute()) attributes_[a.name()] = &a;
    for (int i = 0; i < function.input_size(); ++i) {
      names_[function.input(i)] = i < node.input_size() ? node.input(i) : std::string();
    }
    for (const onnx::NodeProto &inner : function.node()) made_.insert(inner.output().begin(), inner.output().end());
    for (int i = 0; i < function.output_size() && i < node.output_size(); ++i) {
      const std::string &name = function.output(i);
      if (node.output(i).empty()) continue;
      // What is no value of a node, or is two outputs, needs a copy.
      if (made_.contains(name) && !names_.contains(name)) {
        names_[name] = node.output(i);
      } else {
        copies_.emplace_back(name, node.output(i));
      }
    }
  }

  std::vector<onnx::NodeProto> nodes() {
    std::vector<onnx::NodeProto> out;
    for (const onnx::NodeProto &inner : function_.node()) out.push_back(renamed(inner));
    for (const auto &[from, to] : copies_) {
      onnx::NodeProto &copy = out.emplace_back();
      copy.set_op_type("Identity");
      copy.set_name(fresh(to + "_copy"));
      copy.add_input(mapped(from));
      copy.add_output(to);
    }
    return out;
  }

 private:
  std::string fresh(const std::string &name) {
    std::string unique = prefix_ + "/" + name;
    for (std::size_t i = 1; !taken_.insert(unique).second; ++i) unique = fmt::format("{}/{}_{}", prefix_, name, i);
    return unique;
  }
  std::string mapped(const std::string &name) {
    if (name.empty()) return name;
    const auto found = names_.find(name);
    if (found != names_.end()) return found->second;
    return names_[name] = fresh(name);
  }

  onnx::NodeProto renamed(const onnx::NodeProto &from) {
    onnx::NodeProto node = from;
    node.set_name(fresh(from.name().empty() ? from.op_type() : from.name()));
    for (std::string &name : *node.mutable_input()) name = mapped(name);
    for (std::string &name : *node.mutable_output()) name = mapped(name);
    node.clear_attribute();
    for (const onnx::AttributeProto &attribute : from.attribute()) add(attribute, node);
    return node;
  }

  // An attribute that refers to one of the call's is left out where the call does not give it.
  void add(const onnx::AttributeProto &from, onnx::NodeProto &node) {
    if (!from.ref_attr_name().empty()) {
      const auto given = attributes_.find(from.ref_attr_name());
      if (given == attributes_.end()) return;
      onnx::AttributeProto &attribute = *node.add_attribute();
      attribute = *given->second;
      attribute.set_name(from.name());
      return;
    }
    onnx::AttributeProto &attribute = *node.add_attribute();
    attribute = from;
    if (attribute.has_g()) rename(*attribute.mutable_g());
    for (onnx::GraphProto &graph : *attribute.mutable_graphs()) rename(graph);
  }

  void rename(onnx::GraphProto &graph) {
    const auto rename_values = [&](auto &values) {
      for (auto &value : values) value.set_name(mapped(value.name()));
    };
    rename_values(*graph.mutable_input());
    rename_values(*graph.mutable_initializer());
    for (onnx::NodeProto &node : *graph.mutable_node()) node = renamed(node);
    rename_values(*graph.mutable_output());
    rename_values(*graph.mutable_value_info());
    for (onnx::SparseTensorProto &sparse : *graph.mutable_sparse_initializer())
      sparse.mutable_values()->set_name(mapped(sparse.values().name()));
  }

  const onnx::NodeProto &node_;
  const onnx::FunctionProto &function_;
  std::unordered_set<std::string> &taken_;
  std::string prefix_;
  std::map<std::string, const onnx::AttributeProto *> attributes_;
  std::unordered_map<std::string, std::string> names_;
  std::unordered_set<std::string> made_;
  std::vector<std::pair<std::string, std::string>> copies_;
};

class Expansion {
 public:
  Expansion(onnx::ModelProto &proto, const NeedsFunction &needs) : proto_(proto), needs_(needs) {
    for (const auto &import : proto.opset_import()) opsets_[domain_of(import.domain())] = import.version();
    for (const onnx::FunctionProto &f : proto.functions()) local_[{domain_of(f.domain()), f.name()}] = &f;
    collect_names(proto.graph(), taken_);
    read_types(proto.graph());
  }

  void run() {
    if (local_.empty() && !needs_) return;
    require_bounded(proto_.graph(), local_);
    expand(*proto_.mutable_graph());
    if (local_.empty()) return;
    drop_functions();
  }

 private:
  void read_types(const onnx::GraphProto &graph) {
    for (const auto *values : {&graph.input(), &graph.output(), &graph.value_info()}) {
      for (const onnx::ValueInfoProto &value : *values) types_[value.name()] = value.type();
    }
    for (const onnx::TensorProto &tensor : graph.initializer()) {
      auto &type = *types_[tensor.name()].mutable_tensor_type();
      type.set_elem_type(tensor.data_type());
      for (const std::int64_t extent : tensor.dims()) type.mutable_shape()->add_dim()->set_dim_value(extent);
    }
  }

  void expand(onnx::GraphProto &graph) {
    std::vector<onnx::NodeProto> nodes;
    for (onnx::NodeProto &node : *graph.mutable_node()) expand(std::move(node), nodes);
    graph.clear_node();
    for (onnx::NodeProto &node : nodes) *graph.add_node() = std::move(node);
  }

  void expand(onnx::NodeProto node, std::vector<onnx::NodeProto> &out) {
    const std::pair<std::string, std::string> key{domain_of(node.domain()), node.op_type()};
    const auto local = local_.find(key);
    onnx::FunctionProto specified;
    if (local != local_.end()) {
      inline_call(node, *local->second, key, out);
    } else if (find_specified(node, key, specified)) {
      add_defaults(node, *schema_of(key));
      inline_call(node, specified, key, out);
    } else {
      for (onnx::AttributeProto &attribute : *node.mutable_attribute()) {
        if (attribute.has_g()) expand(*attribute.mutable_g());
        for (onnx::GraphProto &graph : *attribute.mutable_graphs()) expand(graph);
      }
      out.push_back(std::move(node));
    }
  }

  void inline_call(const onnx::NodeProto &node, const onnx::FunctionProto &function,
                   const std::pair<std::string, std::string> &key, std::vector<onnx::NodeProto> &out) {
    if (!open_.insert(key).second) {
      fail(Status::kInvalidArgument, "function '{}' of domain '{}' calls itself, which ONNX does not allow", key.second,
           key.first);
    }
    take_opsets(function);
    for (onnx::NodeProto &inner : Call(node, function, taken_).nodes()) expand(std::move(inner), out);
    open_.erase(key);
  }

  // Null for an operator that the model's opset does not have.
  const onnx::OpSchema *schema_of(const std::pair<std::string, std::string> &key) const {
    const auto opset = opsets_.find(key.first);
    if (opset == opsets_.end()) return nullptr;
    return onnx::OpSchemaRegistry::Schema(key.second, static_cast<int>(opset->second), key.first);
  }

  // A function refers to attributes; what a node does not write of them is as the specification says.
  static void add_defaults(onnx::NodeProto &node, const onnx::OpSchema &schema) {
    std::set<std::string> written;
    for (const onnx::AttributeProto &a : node.attribute()) written.insert(a.name());
    for (const auto &[name, attribute] : schema.attributes()) {
      if (attribute.default_value.name().empty() || written.contains(name)) continue;
      *node.add_attribute() = attribute.default_value;
    }
  }

  // The function of the specification for an operator that nothing runs.
  bool find_specified(const onnx::NodeProto &node, const std::pair<std::string, std::string> &key,
                      onnx::FunctionProto &function) const {
    const onnx::OpSchema *schema = schema_of(key);
    if (!needs_ || schema == nullptr || open_.contains(key)) return false;
    const bool any = schema->HasFunction() || schema->HasContextDependentFunction();
    if (!any || !needs_(key.first, key.second, opsets_.at(key.first))) return false;
    if (schema->HasFunction()) {
      schema->BuildFunction(function);
      function.clear_node();
      for (const onnx::NodeProto &inner : schema->GetFunction()->node()) *function.add_node() = inner;
    } else {
      std::vector<onnx::TypeProto> inputs;
      for (const std::string &name : node.input()) {
        const auto found = types_.find(name);
        inputs.push_back(found == types_.end() ? onnx::TypeProto() : found->second);
      }
      if (!schema->BuildContextDependentFunction(onnx::FunctionBodyBuildContextImpl(node, inputs), function))
        return false;
    }
    // Its own schema says which the formal inputs and outputs are.
    if (function.input_size() == 0) {
      for (const auto &input : schema->inputs()) function.add_input(input.GetName());
    }
    if (function.output_size() == 0) {
      for (const auto &output : schema->outputs()) function.add_output(output.GetName());
    }
    function.clear_opset_import();  // the operator's own opset, which is the model's
    return true;
  }

  // A function may be written for another opset than the model, as long as its operators mean the same there.
  void take_opsets(const onnx::FunctionProto &function) {
    for (const auto &import : function.opset_import()) {
      const std::string domain = domain_of(import.domain());
      const auto [present, is_new] = opsets_.emplace(domain, import.version());
      if (is_new) {
        *proto_.add_opset_import() = import;
        continue;
      }
      if (present->second == import.version()) continue;
      for (const onnx::NodeProto &node : function.node()) {
        if (domain_of(node.domain()) == domain) require_same(function, node, import.version(), present->second);
      }
    }
  }

  static void require_same(const onnx::FunctionProto &function, const onnx::NodeProto &node, std::int64_t from,
                           std::int64_t to) {
    const std::string domain = domain_of(node.domain());
    const auto schema = [&](std::int64_t version) {
      return onnx::OpSchemaRegistry::Schema(node.op_type(), static_cast<int>(version), domain);
    };
    const onnx::OpSchema *before = schema(from), *after = schema(to);
    if (before == after || before == nullptr || after == nullptr) return;
    fail(Status::kUnimplemented,
         "function '{}' is written for opset {} and the model for opset {}, and {} changed between them; export the "
         "model "
         "with one opset",
         function.name(), from, to, node.op_type());
  }

  // With the domains that had nothing else in them.
  void drop_functions() {
    std::unordered_set<std::string> used;
    collect_domains(proto_.graph(), used);
    std::set<std::string> of_functions;
    for (const auto &[key, function] : local_) of_functions.insert(key.first);
    proto_.clear_functions();
    auto &imports = *proto_.mutable_opset_import();
    for (int i = imports.size() - 1; i >= 0; --i) {
      const std::string domain = domain_of(imports[i].domain());
      if (!domain.empty() && of_functions.contains(domain) && !used.contains(domain)) imports.DeleteSubrange(i, 1);
    }
  }

  static void collect_domains(const onnx::GraphProto &graph, std::unordered_set<std::string> &domains) {
    for (const onnx::NodeProto &node : graph.node()) {
      domains.insert(domain_of(node.domain()));
      for (const onnx::AttributeProto &a : node.attribute()) {
        if (a.has_g()) collect_domains(a.g(), domains);
        for (const onnx::GraphProto &g : a.graphs()) collect_domains(g, domains);
      }
    }
  }

  onnx::ModelProto &proto_;
  const NeedsFunction &needs_;
  std::map<std::string, std::int64_t> opsets_;
  LocalFunctions local_;
  std::unordered_map<std::string, onnx::TypeProto> types_;
  std::unordered_set<std::string> taken_;
  std::set<std::pair<std::string, std::string>> open_;  // calls that are being expanded
};

}  // namespace

void expand_functions(onnx::ModelProto &proto, const NeedsFunction &needs) {
  Expansion(proto, needs).run();
}

}  // namespace halftone::model
