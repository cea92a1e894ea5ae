// The integers that a model computes from the extents of its values, such as the targets of Reshape: as far as they are
// known without data, each a number, the name of a symbolic extent, or unknown.
//
// libonnx follows some of them (data propagation), but not through Gather, Slice, Squeeze and arithmetic to Reshape,
// which is what exporters write for a dynamic batch.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/model/model.h"

namespace halftone::model {

struct ShapeEntry {
  std::optional<std::int64_t> number;
  std::string symbol;  // where there is no number; empty: unknown
};

// Of a scalar or a vector of known length.
struct ShapeValue {
  bool is_scalar = false;
  std::vector<ShapeEntry> entries;
};

// The extents of a value as far as they are known; nothing where its rank is not.
using DimsOf = std::function<std::optional<std::vector<Dim>>(Handle value)>;

class ShapeValues {
 public:
  // Both outlive this.
  ShapeValues(const Model &model, const DimsOf &dims_of);
  // In topological order. Longer vectors than a shape may have are left out.
  void visit(const Node &node);
  const ShapeValue *find(Handle value) const;  // null where nothing is known

 private:
  const Model &model_;
  const DimsOf &dims_of_;
  std::map<Handle, ShapeValue> values_;
};

// The types of values of the main graph that follow from computed shapes and say more than the model does: of Reshape,
// Expand, ConstantOfShape, Resize, Pad, Slice and Tile, and of what lies behind them as far as a later shape depends on
// it through operators that keep extents. Ranks are certain; extents are given where they are.
std::vector<std::pair<Handle, ValueType>> types_from_shapes(const Model &model);

}  // namespace halftone::model
