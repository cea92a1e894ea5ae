#include "core/pipeline/analysis/parameters.h"

#include <algorithm>
#include <cmath>

#include "core/pipeline/analysis/error_figures.h"
#include "core/pipeline/analysis/moments.h"
#include "core/quant/arithmetic.h"

namespace halftone::pipeline {

namespace {

using model::Handle;

std::int64_t attribute(const model::Node &node, std::string_view name) {
  const auto found = node.attributes.find(name);
  const auto *value = found == node.attributes.end() ? nullptr : std::get_if<std::int64_t>(&found->second.data);
  return value == nullptr ? 0 : *value;
}

// The axis of output channels, where a scale for each channel would lie.
std::size_t channel_axis(const model::Node &node, std::uint32_t slot, std::size_t rank) {
  if (node.op_type == "ConvTranspose") return 1;
  if (node.op_type == "Gemm") return attribute(node, slot == 0 ? "transA" : "transB") != 0 ? 0 : 1;
  if (node.op_type == "MatMul") return rank - 1;
  return 0;
}

double spread_of(std::span<const float> values, const model::Shape &shape, std::size_t axis) {
  std::size_t inner = 1;
  for (std::size_t i = axis + 1; i < shape.size(); ++i) inner *= static_cast<std::size_t>(shape[i]);
  std::vector<float> largest(static_cast<std::size_t>(shape[axis]));
  for (std::size_t i = 0; i < values.size(); ++i) {
    float &channel = largest[i / inner % largest.size()];
    channel = std::max(channel, std::abs(values[i]));
  }
  std::erase(largest, 0.0F);
  if (largest.empty()) return 1;
  const auto [low, high] = std::ranges::minmax(largest);
  return static_cast<double>(high) / low;
}

// Which of the quantizer's entries an element has; per tensor or per channel.
std::size_t entry_of(std::size_t element, const model::Shape &shape, const ht_quantizer &q) {
  if (q.granularity == HT_PER_TENSOR) return 0;
  std::size_t inner = 1;
  for (std::size_t i = static_cast<std::size_t>(q.axis) + 1; i < shape.size(); ++i)
    inner *= static_cast<std::size_t>(shape[i]);
  return element / inner % q.count;
}

std::uint64_t count_saturated(std::span<const float> values, const model::Shape &shape, const ht_quantizer &q) {
  if (q.kind != HT_QUANT_INTEGER || q.granularity == HT_PER_BLOCK) return 0;
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::size_t entry = entry_of(i, shape, q);
    const double code = static_cast<double>(values[i]) / q.scales[entry] + q.zero_points[entry];
    if (code > static_cast<double>(q.quant_max) + 0.5 || code < static_cast<double>(q.quant_min) - 0.5) ++count;
  }
  return count;
}

Parameter describe(const host::WorkingModel &working, Handle config, const model::Tensor &tensor,
                   const ht_quantizer &quantizer) {
  const quant::Config &c = working.configs.get(config);
  const model::Node &node = working.model.node(c.key.node);
  const std::span<const float> values = tensor.floats();
  Parameter p;
  p.config = config;
  p.node = node.name;
  p.type = node.op_type;
  p.value = working.model.value(node.inputs[c.key.slot]).name;
  p.slot = c.key.slot;
  p.bits = c.spec.bits;
  p.per_tensor = quantizer.granularity == HT_PER_TENSOR;
  Range range;
  range.take(values);
  Spread moments;
  moments.take(values, range);
  const Summary summary = summary_of(range, moments);
  p.minimum = summary.minimum;
  p.maximum = summary.maximum;
  p.mean = summary.mean;
  p.deviation = summary.deviation;
  if (tensor.shape().size() > 1)
    p.spread = spread_of(values, tensor.shape(), channel_axis(node, c.key.slot, tensor.shape().size()));
  std::vector<float> quantized(values.size());
  quant::fake_quantize(values, quantized, tensor.shape(), quantizer);
  p.noise_to_signal = compare(quantized, values).noise_to_signal;
  p.saturated = count_saturated(values, tensor.shape(), quantizer);
  return p;
}

}  // namespace

std::vector<Parameter> analyze_parameters(const host::WorkingModel &working) {
  std::vector<Parameter> parameters;
  for (const Handle config : working.configs.all()) {
    const quant::Config &c = working.configs.get(config);
    const model::Node &node = working.model.node(c.key.node);
    if (c.key.is_output || c.key.slot >= node.inputs.size() || node.inputs[c.key.slot] == HT_NONE) continue;
    const auto &tensor = working.model.value(node.inputs[c.key.slot]).initializer;
    const auto quantizer = working.configs.quantizer(config, true);
    if (!tensor || !quantizer || tensor->dtype() != HT_F32 || tensor->count() == 0) continue;
    parameters.push_back(describe(working, config, *tensor, *quantizer));
  }
  return parameters;
}

}  // namespace halftone::pipeline
