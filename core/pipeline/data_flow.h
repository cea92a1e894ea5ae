// Which nodes of the main graph handle data and which compute shapes, indices or truth values.
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
  void infer_types(const model::Model &model, const std::vector<model::Handle> &order);
  void find_shape_nodes(const model::Model &model, const std::vector<model::Handle> &order);
  std::unordered_map<model::Handle, ht_dtype> dtypes_;
  std::unordered_set<model::Handle> shape_nodes_;
};

}  // namespace halftone::pipeline
