// The `cost` hints of a platform descriptor, and what a node costs by them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "core/base/setting.h"
#include "core/base/shape.h"
#include "core/model/model.h"

namespace halftone::pipeline {

// What one operator costs. A rule says some of it; what no rule says is 0.
struct CostHint {
  std::optional<double> fixed, product, element;
  std::map<std::uint32_t, double> bits;  // factors of `product` where weights have another width
  bool given() const { return fixed || product || element || !bits.empty(); }
  void take(const CostHint &later);  // what it says goes before what was said
};

// How much work a node is for one sample; nothing where a shape is not known.
struct NodeWork {
  double products = 0, elements = 0;
};
std::optional<NodeWork> work_of(const model::Model &model, const model::Node &node);

// `weight_bits`: 0 for the usual width, at which products cost what the hint says.
double cost_of(const CostHint &hint, const NodeWork &work, std::uint32_t weight_bits);

Shape cost_hint_shape();                     // of an operator rule, and of operators in float
CostHint read_cost(const Setting &setting);  // of settings that were checked; throws for negative numbers

}  // namespace halftone::pipeline
