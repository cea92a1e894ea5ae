// Graphs, nodes and attributes of a Model as messages.
#pragma once

#include "core/model/onnx_build.h"
#include "core/model/onnx_sidecar.h"

namespace halftone::model {

class GraphBuilder {
 public:
  GraphBuilder(const Model &model, const ConstantWriter &write, GraphMessages *graphs)
      : model_(model), write_(write), graphs_(graphs) {}

  // The message holds a copy of the original graph, or nothing.
  void build_main(onnx::GraphProto &proto);

 private:
  void build(Handle graph, onnx::GraphProto &proto);
  void build_subgraph(Handle graph, onnx::GraphProto &proto);
  void write_nodes(const Graph &graph, Handle handle, onnx::GraphProto &proto);
  void write_inputs_and_outputs(Handle handle, const Graph &graph, onnx::GraphProto &proto) const;
  void write_value_infos(Handle handle, const Graph &graph, onnx::GraphProto &proto) const;
  void write_initializers(const Graph &graph, onnx::GraphProto &proto) const;
  void write_annotations(Handle handle, onnx::GraphProto &proto) const;
  void write_node(const Node &node, onnx::NodeProto &proto);
  void write_attributes(const Node &node, onnx::NodeProto &proto);
  void write_attribute(const Attribute &attribute, onnx::AttributeProto &proto);
  void write_info(const Value &value, const onnx::ValueInfoProto *original, onnx::ValueInfoProto &proto) const;
  const ValueOrigin *origin(Handle value) const {
    return model_.sidecar == nullptr ? nullptr : model_.sidecar->find(value);
  }
  const onnx::GraphProto *original(Handle graph) const;
  const onnx::NodeProto *original(const Node &node) const;

  const Model &model_;
  const ConstantWriter &write_;
  GraphMessages *graphs_;
};

}  // namespace halftone::model
