#include "core/pattern/unwritten_list.h"

#include <algorithm>
#include <array>
#include <string>

namespace halftone::pattern {
namespace {

// Batch and channels come before the extents of a kernel or an image.
constexpr std::size_t kLeading = 2;

// Extents of a value, -1 for those that are not known.
std::optional<std::vector<std::int64_t>> extents_of(const model::Model &model, const model::Node &node,
                                                    std::size_t slot) {
  if (slot >= node.inputs.size() || node.inputs[slot] == HT_NONE) return std::nullopt;
  const model::Value &value = model.value(node.inputs[slot]);
  if (value.initializer) return value.initializer->shape();
  if (!value.type.has_shape) return std::nullopt;
  std::vector<std::int64_t> extents;
  for (const model::Dim &dim : value.type.dims) extents.push_back(dim.extent);
  return extents;
}

std::size_t weight_slot(const model::Node &node) {
  return node.op_type == "QLinearConv" ? 3 : 1;
}

std::optional<std::size_t> kernel_rank(const model::Model &model, const model::Node &node) {
  const auto written = node.attributes.find("kernel_shape");
  if (written != node.attributes.end()) {
    const auto *kernel = std::get_if<std::vector<std::int64_t>>(&written->second.data);
    if (kernel != nullptr) return kernel->size();
  }
  if (!node.domain.empty()) return std::nullopt;
  auto extents = is_convolution(node) ? extents_of(model, node, weight_slot(node)) : std::nullopt;
  if (!extents) extents = extents_of(model, node, 0);
  if (!extents || extents->size() <= kLeading) return std::nullopt;
  return extents->size() - kLeading;
}

}  // namespace

bool is_convolution(const model::Node &node) {
  constexpr std::array<std::string_view, 5> kTypes = {"Conv", "ConvInteger", "ConvTranspose", "DeformConv",
                                                      "QLinearConv"};
  return node.domain.empty() && std::ranges::find(kTypes, node.op_type) != kTypes.end();
}

std::vector<std::int64_t> kernel_of_weight(const model::Model &model, const model::Node &node) {
  const auto extents = extents_of(model, node, weight_slot(node));
  if (!extents || extents->size() <= kLeading) return {};
  std::vector<std::int64_t> kernel(extents->begin() + kLeading, extents->end());
  if (std::ranges::any_of(kernel, [](std::int64_t extent) { return extent < 0; })) return {};
  return kernel;
}

std::optional<UnwrittenList> unwritten_list(const model::Model &model, const model::Node &node,
                                            std::string_view attribute) {
  const bool ones = attribute == "strides" || attribute == "dilations", pads = attribute == "pads";
  if (!ones && !pads && attribute != "output_padding") return std::nullopt;
  const std::optional<std::size_t> rank = kernel_rank(model, node);
  UnwrittenList list{ones ? 1.0 : 0.0, std::nullopt};
  if (rank) list.length = pads ? 2 * *rank : *rank;
  return list;
}

bool computes_pads(const model::Node &node) {
  if (node.attributes.contains("output_shape")) return true;
  const auto found = node.attributes.find("auto_pad");
  if (found == node.attributes.end()) return false;
  const auto *mode = std::get_if<std::string>(&found->second.data);
  return mode != nullptr && *mode != "NOTSET" && *mode != "VALID";
}

}  // namespace halftone::pattern
