// The model: graphs of nodes and values with constant tensors, and the edits that keep them consistent.
//
// Objects are named by 64-bit handles (kind, generation, index), so a stale handle is noticed. Nodes and values of all
// subgraphs live in the model's one pool. A Model is a value: copying it copies the structure and shares the weights,
// which is what a transaction takes as its working copy.
//
// A reference that an accessor returns is good until the next edit of the model.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/model/handle.h"
#include "core/model/name_index.h"
#include "core/model/pool.h"
#include "core/model/tensor.h"
#include "halftone/base.h"

namespace halftone::model {

struct Dim {
  std::int64_t extent = -1;  // below 0: unknown or symbolic
  std::string symbol;        // "N" of a symbolic dimension
};

struct ValueType {
  ht_dtype dtype = HT_DTYPE_NONE;
  bool has_shape = false;
  std::vector<Dim> dims;
};

struct Attribute {
  // Subgraphs are graph handles; an attribute of a kind that we do not model stays in the sidecar (monostate).
  struct Subgraphs {
    std::vector<Handle> graphs;
  };
  using Data = std::variant<std::monostate, std::int64_t, float, std::string, Tensor, Handle, std::vector<std::int64_t>,
                            std::vector<float>, std::vector<std::string>, Subgraphs>;
  Data data;
};

struct Use {
  Handle node = HT_NONE;
  std::uint32_t slot = 0;
  friend bool operator==(const Use &, const Use &) = default;
};

struct Node {
  Handle graph = HT_NONE;
  std::string name, op_type, domain;    // domain "" is ai.onnx
  std::vector<Handle> inputs, outputs;  // HT_NONE where an optional slot is empty
  std::map<std::string, Attribute, std::less<>> attributes;
  std::int32_t origin = -1;  // index among all NodeProtos of the sidecar, -1 for a new node
};

struct Value {
  Handle graph = HT_NONE;
  std::string name;
  ValueType type;
  Handle producer = HT_NONE;
  std::uint32_t producer_slot = 0;
  std::vector<Use> consumers;  // in order of node position then slot is not promised
  std::optional<Tensor> initializer;
  bool is_input = false, is_output = false;  // of its graph; an initializer may be listed as an input too
};

struct Graph {
  std::string name;
  Handle owner = HT_NONE;  // the node whose attribute this subgraph is; none for the main graph
  std::vector<Handle> nodes, inputs, outputs;
  std::vector<Handle> values;  // all values of the graph that are alive, in creation order
};

struct Sidecar;  // the original ModelProto without its weights; onnx_sidecar.h

class Model {
 public:
  Model();

  // ---- reading. Every accessor throws NotFound for a handle that is stale or of another kind.
  Handle main_graph() const noexcept { return main_; }
  const Graph &graph(Handle h) const;
  const Node &node(Handle h) const;
  const Value &value(Handle h) const;
  bool alive(Handle h) const noexcept;
  Handle find_value(Handle graph, std::string_view name) const;  // HT_NONE when absent; looks into outer graphs too
  Handle find_node(Handle graph, std::string_view name) const;
  std::vector<Handle> graphs() const;  // main first, then subgraphs depth first
  // Nodes of one graph so that producers come first; stable: ties keep the present order. Throws FailedPrecondition
  // naming a node on a cycle.
  std::vector<Handle> topological_order(Handle graph) const;
  Handle outer_graph(Handle graph) const;  // HT_NONE for the main graph
  // Values of outer graphs that the subgraphs of this node read, each once, in order of first use.
  std::vector<Handle> captured_values(Handle node) const;
  std::vector<Handle> subgraphs(Handle node) const;        // in order of attribute name
  std::int64_t opset(std::string_view domain = "") const;  // 0 when the domain is not imported
  const std::map<std::string, std::int64_t, std::less<>> &opsets() const noexcept { return opsets_; }
  // Counts edits; an execution session compares it to tell that it is stale.
  std::uint64_t revision() const noexcept { return revision_; }

  // ---- editing. Names stay unique within a graph and its outer graphs; consumers and producers stay in step.
  Handle add_graph(std::string name, Handle owner = HT_NONE);
  void rename_graph(Handle graph, std::string name);  // the main graph's name in a file is that of the model
  Handle add_value(Handle graph, std::string name, ValueType type = {});  // AlreadyExists when the name is taken
  Handle add_initializer(Handle graph, std::string name, Tensor tensor);
  Handle add_node(Handle graph, std::string op_type, std::string domain, std::string name,
                  std::span<const Handle> inputs, std::span<const Handle> outputs);
  void remove_node(Handle node);  // its outputs lose their producer; values stay
  // FailedPrecondition while the value has a producer or a consumer, is a graph output, or is an input without a
  // default.
  void remove_value(Handle value);
  void set_input(Handle node, std::uint32_t slot, Handle value);   // grows the slot list with empty slots
  void set_output(Handle node, std::uint32_t slot, Handle value);  // the value must have no other producer
  void resize_inputs(Handle node, std::uint32_t count);            // drops trailing slots
  void resize_outputs(Handle node, std::uint32_t count);
  // Every consumer of `from`, except the node that produces `to`, reads `to`. If `from` is a graph output, `to` becomes
  // the output in its place and takes its name, so that the model's user sees the same outputs; `from` gets a new name.
  void replace_uses(Handle from, Handle to);
  void set_op_type(Handle node, std::string op_type, std::string domain = "");
  void set_attribute(Handle node, std::string_view name, Attribute attribute);
  void remove_attribute(Handle node, std::string_view name);
  void set_initializer(Handle value, Tensor tensor);  // the value must have no producer
  void set_type(Handle value, ValueType type);
  void rename_value(Handle value, std::string name);
  void rename_node(Handle node, std::string name);
  void set_origin(Handle node, std::int32_t origin);  // for the import
  void mark_input(Handle value);
  void unmark_input(Handle value);
  void mark_output(Handle value);
  void unmark_output(Handle value);
  void set_opset(std::string domain, std::int64_t version);
  std::string unique_name(Handle graph, std::string_view base) const;  // base, base_1, base_2 ...
  void touch() noexcept { ++revision_; }

  std::string name, producer_name, producer_version;
  std::int64_t ir_version = 8;
  std::map<std::string, std::string, std::less<>> metadata;
  std::string path;  // where it was read from; empty for a model made in memory
  std::shared_ptr<const Sidecar> sidecar;

 private:
  friend class ModelImage;  // model_image.h: every slot as it is

  Graph &graph_at(Handle h);
  Node &node_at(Handle h);
  Value &value_at(Handle h);
  bool is_visible(const Value &value, Handle graph) const;
  void require_visible(Handle value, Handle graph) const;
  void require_free_value_name(Handle graph, std::string_view name) const;
  bool value_name_taken(std::string_view name) const;  // anywhere in the model
  bool node_name_taken(std::string_view name) const;
  std::string unique_node_name(std::string_view base) const;
  std::vector<Handle> producers_before(Handle node) const;
  void drop_use(Handle value, Use use);
  void take_subgraphs(Handle node, const Attribute &attribute);
  void drop_subgraphs(const Attribute &attribute, const Attribute *kept);
  void remove_graph(Handle graph);
  void erase_value(Handle value);

  Pool<Graph> graphs_;
  Pool<Node> nodes_;
  Pool<Value> values_;
  NameIndex value_names_, node_names_;
  Handle main_ = HT_NONE;
  std::map<std::string, std::int64_t, std::less<>> opsets_;
  std::uint64_t revision_ = 0;
};

}  // namespace halftone::model
