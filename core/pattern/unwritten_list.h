// Lists of kernels that a node may leave out: strides, dilations, pads and the kernel's shape itself. Their defaults
// are rules in ONNX's words, which its schemas do not have.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "core/model/model.h"

namespace halftone::pattern {

// So many entries, all of one value.
struct UnwrittenList {
  double entry = 0;
  std::optional<std::size_t> length;  // none: not known
};

// Convolutions, by name in the domain of ONNX.
bool is_convolution(const model::Node &node);

// The shape of the kernel of a convolution by its weight; nothing where that is not known.
std::vector<std::int64_t> kernel_of_weight(const model::Model &model, const model::Node &node);

// nullopt for an attribute without such a rule.
std::optional<UnwrittenList> unwritten_list(const model::Model &model, const model::Node &node,
                                            std::string_view attribute);

// pads that the node computes from the shapes in a run: auto_pad or output_shape ask for that.
bool computes_pads(const model::Node &node);

}  // namespace halftone::pattern
