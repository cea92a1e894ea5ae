// Which values of a model with a fixed batch carry it, proved node by node.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/model/model.h"

namespace halftone::pipeline {

// An element of a shape: a number, or the batch times a number.
struct Extent {
  std::int64_t number = 0;
  bool times_batch = false;
};

// Values of the main graph by what they are of the batch. Values in neither map do not depend on it.
struct BatchValues {
  // Axis 0 counts the samples: its extent is the batch times this number, and entries of one sample follow each other.
  std::map<model::Handle, std::int64_t> carriers;
  std::map<model::Handle, std::vector<Extent>> shapes;  // tensors that are computed from extents
};

// A constant that has the batch in it, and what it must be for any batch.
struct ConstantRepair {
  model::Handle node = HT_NONE;
  std::uint32_t slot = 0;
  std::vector<std::int64_t> values;
};

struct BatchProof {
  BatchValues values;
  std::vector<ConstantRepair> repairs;
  // The first node that ties the model to its batch, and why; empty when the proof is whole.
  model::Handle tied_by = HT_NONE;
  std::string why;
};

// The extent above 1 of axis 0 that all fed inputs of the model have in common; nothing when there is none.
std::optional<std::int64_t> fixed_batch(const model::Model &m);

// Whether all fed inputs have a free axis 0 while the constant shape of some Reshape begins with a number above 1.
bool may_have_fixed_shapes(const model::Model &m);

// `batch` is 0 where the inputs do not tell it: then the first shape that leaves no choice does. Follows axis 0 of the
// fed inputs through the main graph. Every operator on the way must treat samples one by one.
BatchProof prove_batch(const model::Model &m, std::int64_t batch);

}  // namespace halftone::pipeline
