#include "core/model/model.h"

#include <algorithm>
#include <unordered_set>

#include "core/base/error.h"

namespace halftone::model {
namespace {

std::string_view kind_name(HandleKind kind) {
  switch (kind) {
    case HandleKind::kGraph:
      return "graph";
    case HandleKind::kNode:
      return "node";
    case HandleKind::kValue:
      return "value";
    case HandleKind::kModel:
      return "model";
    case HandleKind::kConfig:
      return "config";
    case HandleKind::kSession:
      return "session";
    case HandleKind::kNone:
      break;
  }
  return "nothing";
}

[[noreturn]] void fail_stale(HandleKind wanted, Handle h) {
  if (h == HT_NONE) fail(Status::kNotFound, "an empty handle was given where a {} is needed", kind_name(wanted));
  if (handle_kind(h) != wanted) {
    fail(Status::kNotFound, "handle {:#x} is a {}, not a {}", h, kind_name(handle_kind(h)), kind_name(wanted));
  }
  fail(Status::kNotFound, "the {} of handle {:#x} no longer exists", kind_name(wanted), h);
}

template <typename T>
T &require(T *object, HandleKind kind, Handle h) {
  if (object == nullptr) fail_stale(kind, h);
  return *object;
}

void append_graphs(const Attribute &attribute, std::vector<Handle> &out) {
  if (const auto *one = std::get_if<Handle>(&attribute.data)) out.push_back(*one);
  if (const auto *many = std::get_if<Attribute::Subgraphs>(&attribute.data)) {
    out.insert(out.end(), many->graphs.begin(), many->graphs.end());
  }
}

}  // namespace

Model::Model() {
  main_ = graphs_.add(HandleKind::kGraph, Graph{});
}

const Graph &Model::graph(Handle h) const {
  return require(graphs_.find(HandleKind::kGraph, h), HandleKind::kGraph, h);
}
const Node &Model::node(Handle h) const {
  return require(nodes_.find(HandleKind::kNode, h), HandleKind::kNode, h);
}
const Value &Model::value(Handle h) const {
  return require(values_.find(HandleKind::kValue, h), HandleKind::kValue, h);
}
Graph &Model::graph_at(Handle h) {
  return require(graphs_.edit(HandleKind::kGraph, h), HandleKind::kGraph, h);
}
Node &Model::node_at(Handle h) {
  return require(nodes_.edit(HandleKind::kNode, h), HandleKind::kNode, h);
}
Value &Model::value_at(Handle h) {
  return require(values_.edit(HandleKind::kValue, h), HandleKind::kValue, h);
}

bool Model::alive(Handle h) const noexcept {
  return graphs_.find(HandleKind::kGraph, h) != nullptr || nodes_.find(HandleKind::kNode, h) != nullptr ||
         values_.find(HandleKind::kValue, h) != nullptr;
}

Handle Model::outer_graph(Handle h) const {
  const Handle owner = graph(h).owner;
  return owner == HT_NONE ? HT_NONE : node(owner).graph;
}

Handle Model::find_value(Handle graph_handle, std::string_view wanted) const {
  for (Handle g = graph_handle; g != HT_NONE; g = outer_graph(g)) {
    const Handle found = value_names_.find(wanted, [&](Handle h) {
      const Value &candidate = value(h);
      return candidate.graph == g && candidate.name == wanted;
    });
    if (found != HT_NONE) return found;
  }
  return HT_NONE;
}

Handle Model::find_node(Handle graph_handle, std::string_view wanted) const {
  return node_names_.find(wanted, [&](Handle h) {
    const Node &candidate = node(h);
    return candidate.graph == graph_handle && candidate.name == wanted;
  });
}

bool Model::value_name_taken(std::string_view wanted) const {
  return value_names_.find(wanted, [&](Handle h) { return value(h).name == wanted; }) != HT_NONE;
}

bool Model::node_name_taken(std::string_view wanted) const {
  return node_names_.find(wanted, [&](Handle h) { return node(h).name == wanted; }) != HT_NONE;
}

std::string Model::unique_name(Handle graph_handle, std::string_view base) const {
  graph(graph_handle);  // notices a stale handle
  // Unique among the values and nodes of all graphs: whichever of them the name is for, it clashes with nothing.
  const std::string stem(base.empty() ? std::string_view("unnamed") : base);
  std::string candidate = stem;
  for (std::size_t i = 1; value_name_taken(candidate) || node_name_taken(candidate); ++i) {
    candidate = fmt::format("{}_{}", stem, i);
  }
  return candidate;
}

std::string Model::unique_node_name(std::string_view base) const {
  std::string candidate(base);
  for (std::size_t i = 1; node_name_taken(candidate); ++i) candidate = fmt::format("{}_{}", base, i);
  return candidate;
}

std::vector<Handle> Model::subgraphs(Handle node_handle) const {
  std::vector<Handle> out;
  for (const auto &[key, attribute] : node(node_handle).attributes) append_graphs(attribute, out);
  return out;
}

std::vector<Handle> Model::graphs() const {
  std::vector<Handle> out, waiting{main_};
  while (!waiting.empty()) {
    const Handle g = waiting.back();
    waiting.pop_back();
    out.push_back(g);
    std::vector<Handle> inner;
    for (const Handle n : graph(g).nodes) {
      for (const auto &[key, attribute] : node(n).attributes) append_graphs(attribute, inner);
    }
    waiting.insert(waiting.end(), inner.rbegin(), inner.rend());
  }
  return out;
}

std::vector<Handle> Model::captured_values(Handle node_handle) const {
  std::vector<Handle> out, waiting = subgraphs(node_handle);
  std::unordered_set<Handle> inside, seen;
  for (std::size_t i = 0; i < waiting.size(); ++i) {  // grows while it is read: subgraphs of subgraphs
    inside.insert(waiting[i]);
    for (const Handle n : graph(waiting[i]).nodes) {
      const std::vector<Handle> inner = subgraphs(n);
      waiting.insert(waiting.end(), inner.begin(), inner.end());
    }
  }
  for (const Handle g : waiting) {
    for (const Handle n : graph(g).nodes) {
      for (const Handle v : node(n).inputs) {
        if (v != HT_NONE && !inside.contains(value(v).graph) && seen.insert(v).second) out.push_back(v);
      }
    }
  }
  return out;
}

bool Model::is_visible(const Value &wanted, Handle graph_handle) const {
  for (Handle g = graph_handle; g != HT_NONE; g = outer_graph(g)) {
    if (wanted.graph == g) return true;
  }
  return false;
}

void Model::require_visible(Handle value_handle, Handle graph_handle) const {
  const Value &wanted = value(value_handle);
  if (!is_visible(wanted, graph_handle)) {
    fail(Status::kInvalidArgument, "value '{}' belongs to a graph that cannot be seen from here", wanted.name);
  }
}

void Model::require_free_value_name(Handle graph_handle, std::string_view wanted) const {
  if (wanted.empty()) fail(Status::kInvalidArgument, "a value needs a name");
  if (find_value(graph_handle, wanted) != HT_NONE) {
    fail(Status::kAlreadyExists, "there is already a value named '{}'; ask for a unique name", wanted);
  }
}

std::int64_t Model::opset(std::string_view domain) const {
  const auto found = opsets_.find(domain == "ai.onnx" ? std::string_view() : domain);
  return found == opsets_.end() ? 0 : found->second;
}

}  // namespace halftone::model
