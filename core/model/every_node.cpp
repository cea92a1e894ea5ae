#include "core/model/every_node.h"

namespace halftone::model {

std::vector<Handle> every_node(const Model &model) {
  std::vector<Handle> order;
  for (const Handle graph : model.graphs()) {
    const std::vector<Handle> own = model.topological_order(graph);
    order.insert(order.end(), own.begin(), own.end());
  }
  return order;
}

}  // namespace halftone::model
