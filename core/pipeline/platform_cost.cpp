#include "core/pipeline/platform_cost.h"

#include <algorithm>
#include <string>
#include <vector>

#include "core/base/error.h"

namespace halftone::pipeline {
namespace {

// The extents that one sample has; nothing where one is not known.
std::optional<std::vector<double>> extents_of(const model::Model &model, model::Handle handle) {
  if (handle == HT_NONE) return std::nullopt;
  const model::Value &value = model.value(handle);
  if (value.initializer) {
    const model::Shape &shape = value.initializer->shape();
    return std::vector<double>(shape.begin(), shape.end());
  }
  if (!value.type.has_shape) return std::nullopt;
  std::vector<double> out;
  for (const model::Dim &dim : value.type.dims) {
    if (dim.extent < 0 && !out.empty()) return std::nullopt;
    out.push_back(dim.extent < 0 ? 1.0 : static_cast<double>(dim.extent));
  }
  return out;
}

double count_of(const std::vector<double> &extents) {
  double n = 1;
  for (const double extent : extents) n *= extent;
  return n;
}

bool is_set(const model::Node &node, const char *attribute) {
  const auto found = node.attributes.find(attribute);
  const auto *value = found == node.attributes.end() ? nullptr : std::get_if<std::int64_t>(&found->second.data);
  return value != nullptr && *value != 0;
}

// Products that are summed; nothing where a shape is not known.
std::optional<double> products_of(const model::Model &model, const model::Node &node) {
  const bool sums = node.domain.empty() && (node.op_type == "Conv" || node.op_type == "ConvTranspose" ||
                                            node.op_type == "Gemm" || node.op_type == "MatMul");
  if (!sums) return 0.0;
  if (node.inputs.size() < 2 || node.outputs.empty()) return std::nullopt;
  const auto input = extents_of(model, node.inputs[0]), weight = extents_of(model, node.inputs[1]);
  const auto output = extents_of(model, node.outputs[0]);
  if (!input || !weight || !output || input->empty() || weight->empty()) return std::nullopt;
  if (node.op_type == "Gemm") return count_of(*output) * (is_set(node, "transA") ? input->front() : input->back());
  if (node.op_type == "MatMul") return count_of(*output) * input->back();
  if (weight->front() == 0) return 0.0;
  // Of Conv each output, of ConvTranspose each input is multiplied by one slice of the weight.
  return count_of(node.op_type == "Conv" ? *output : *input) * count_of(*weight) / weight->front();
}

double not_negative(const Setting &setting, const std::string &what) {
  const double number = number_of(setting);
  if (number < 0) fail(Status::kInvalidArgument, "{}: {} is below 0; a cost cannot be", setting.where.text(), what);
  return number;
}

std::uint32_t width(const std::string &key, const Setting &value) {
  const bool digits = !key.empty() && key.size() <= 2 &&
                      std::all_of(key.begin(), key.end(), [](char c) { return c >= '0' && c <= '9'; });
  const unsigned long bits = digits ? std::stoul(key) : 0;
  if (bits < 2 || bits > 32) {
    fail(Status::kInvalidArgument, "{}: '{}' in `cost.bits` is no width of 2 to 32 bits", value.key_where.text(), key);
  }
  return static_cast<std::uint32_t>(bits);
}

}  // namespace

void CostHint::take(const CostHint &later) {
  if (later.fixed) fixed = later.fixed;
  if (later.product) product = later.product;
  if (later.element) element = later.element;
  for (const auto &[width, factor] : later.bits) bits[width] = factor;
}

std::optional<NodeWork> work_of(const model::Model &model, const model::Node &node) {
  NodeWork work;
  for (const model::Handle output : node.outputs) {
    if (output == HT_NONE) continue;
    const auto extents = extents_of(model, output);
    if (!extents) return std::nullopt;
    work.elements += count_of(*extents);
  }
  const auto products = products_of(model, node);
  if (!products) return std::nullopt;
  work.products = *products;
  return work;
}

double cost_of(const CostHint &hint, const NodeWork &work, std::uint32_t weight_bits) {
  const auto factor = hint.bits.find(weight_bits);
  return hint.fixed.value_or(0) + hint.element.value_or(0) * work.elements +
         hint.product.value_or(0) * work.products * (factor == hint.bits.end() ? 1.0 : factor->second);
}

Shape cost_hint_shape() {
  return shape::map({{"fixed", shape::number(), "of each operator, however small"},
                     {"product", shape::number(), "of each product that is summed, as in a convolution"},
                     {"element", shape::number(), "of each element of the outputs"},
                     {"bits", shape::map_of(shape::number(), "^[0-9]{1,2}$"),
                      "factors of `product` where weights have another width than the platform gives them"}});
}

CostHint read_cost(const Setting &setting) {
  CostHint out;
  const auto number = [&](const char *key, std::optional<double> &to) {
    if (const Setting *s = given(setting, key)) to = not_negative(*s, fmt::format("`cost.{}`", key));
  };
  number("fixed", out.fixed);
  number("product", out.product);
  number("element", out.element);
  if (const Setting *bits = given(setting, "bits")) {
    for (const auto &[key, value] : bits->map()) {
      out.bits[width(key, value)] = not_negative(value, fmt::format("`cost.bits.{}`", key));
    }
  }
  return out;
}

}  // namespace halftone::pipeline
