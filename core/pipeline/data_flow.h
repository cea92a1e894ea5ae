// Which nodes, those of bodies included, handle data and which compute shapes, indices or truth values.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <unordered_set>

#include "core/model/model.h"

namespace halftone::pipeline {

class DataFlow {
 public:
  explicit DataFlow(const model::Model &model);

  // The static type of a value; where the model does not say, the type that follows from its producers. HT_DTYPE_NONE
  // when neither does.
  ht_dtype dtype(model::Handle value) const;
  // Everything that comes of the node ends as a shape, an index or a condition.
  bool computes_shapes(model::Handle node) const { return shape_nodes_.count(node) != 0; }

 private:
  void infer_types(const model::Model &model, model::Handle graph);
  void infer_bodies(const model::Model &model, const model::Node &node);
  ht_dtype inferred(const model::Node &node, std::size_t slot) const;
  void take_type(model::Handle from, model::Handle to);
  void find_shape_nodes(const model::Model &model, model::Handle graph);
  std::unordered_map<model::Handle, ht_dtype> dtypes_;
  std::unordered_set<model::Handle> shape_nodes_;
  std::unordered_set<model::Handle> data_;  // values that reach an output of their graph or a slot that carries data
};

}  // namespace halftone::pipeline
