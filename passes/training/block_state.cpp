#include "block_state.h"

#include <algorithm>
#include <cmath>

#include "halftone/stored_tensor.hpp"
#include "learned_values.h"

namespace halftone::passes {
namespace {

std::vector<float> floats_of(const ht_tensor_view &tensor) {
  return sdk::elements_of<float>(tensor);
}

}  // namespace

BlockState::BlockState(const sdk::Context &ctx, const Learnables &learnables) {
  const sdk::Graph graph(ctx);
  const sdk::Configs configs(ctx);
  for (const auto *list : {&learnables.weights, &learnables.operands}) {
    for (const StoredPoint &point : *list) tensors_.push_back({point.value, *graph.hold(point.value)});
  }
  const auto keep = [&](ht_handle config) {
    const ht_config_info info = configs.info(config);
    scales_.push_back({config,
                       {info.scales, info.scales + info.scale_count},
                       {info.zero_points, info.zero_points + info.scale_count}});
  };
  for (const StoredPoint &point : learnables.weights) keep(point.config);
  for (const ht_handle config : learnables.activations) keep(config);
}

void BlockState::put_back(const sdk::Context &ctx) const {
  const sdk::GraphEdit edit(ctx);
  const sdk::Configs configs(ctx);
  for (const Tensor &tensor : tensors_) edit.set_initializer(tensor.value, tensor.held.view());
  for (const Scales &each : scales_) {
    configs.set_scales(each.config, each.scales, each.zero_points, "as before training, which did not help");
  }
}

std::vector<std::size_t> scale_of_elements(const ht_quant_spec &spec, std::span<const std::int64_t> shape) {
  std::size_t count = 1;
  for (const std::int64_t extent : shape) count *= static_cast<std::size_t>(extent);
  std::vector<std::size_t> scale(count, 0);
  const auto axis = static_cast<std::size_t>(spec.axis);
  if (spec.granularity == HT_PER_TENSOR || axis >= shape.size()) return scale;
  const auto run = static_cast<std::size_t>(spec.granularity == HT_PER_BLOCK ? std::max(spec.block_size, 1) : 1);
  const auto extent = static_cast<std::size_t>(shape[axis]);
  const std::size_t blocks = (extent + run - 1) / run;
  std::size_t inner = 1;
  for (std::size_t k = axis + 1; k < shape.size(); ++k) inner *= static_cast<std::size_t>(shape[k]);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t outer = i / (inner * extent), at = i / inner % extent / run;
    scale[i] = spec.granularity == HT_PER_CHANNEL ? at : (outer * blocks + at) * inner + i % inner;
  }
  return scale;
}

std::vector<float> hard_rounded(std::span<const float> weight, std::span<const float> rounding,
                                const ht_config_info &config, std::span<const std::int64_t> shape) {
  const std::vector<std::size_t> scale_of = scale_of_elements(config.spec, shape);
  std::vector<float> rounded(weight.size());
  const auto low = static_cast<double>(config.spec.quant_min), high = static_cast<double>(config.spec.quant_max);
  for (std::size_t i = 0; i < weight.size(); ++i) {
    const float scale = config.scales[scale_of[i]];
    const auto zero = static_cast<double>(config.zero_points[scale_of[i]]);
    const double code = static_cast<double>(std::floor(weight[i] / scale)) + (rounding[i] >= 0 ? 1 : 0) + zero;
    rounded[i] = static_cast<float>(std::clamp(code, low, high) - zero) * scale;
  }
  return rounded;
}

void write_learned(const sdk::Context &ctx, const sdk::TrainingSession &session, const Learnables &learnables,
                   const Recipe &recipe) {
  const std::string rule = "learned by " + recipe.pass;
  const sdk::Graph graph(ctx);
  if (recipe.learns_activation_scales) {
    for (const ht_handle config : learnables.activations) store_learned_scales(ctx, session, config, rule);
  }
  for (const StoredPoint &point : learnables.weights) {
    if (recipe.learns_weight_scales && sdk::Configs(ctx).info(point.config).spec.scale_form == HT_SCALE_FREE) {
      store_learned_scales(ctx, session, point.config, rule);
    }
    if (recipe.learns_weights) {
      store_learned_tensor(ctx, session, point.value);
    }
    if (!recipe.learns_rounding) continue;
    const std::vector<float> rounding = floats_of(session.read(ctx, HT_LEARNED_ROUNDING, point.config));
    const auto weight = graph.initializer(point.value);
    const std::vector<float> present = floats_of(*weight);
    const std::vector<std::int64_t> shape(weight->shape, weight->shape + weight->rank);
    if (rounding.size() != present.size()) {
      throw sdk::Failure(HT_INTERNAL, "the trainer gave another number of roundings than the weight has", point.value);
    }
    store_tensor(ctx, point.value, hard_rounded(present, rounding, sdk::Configs(ctx).info(point.config), shape));
  }
  if (!recipe.learns_weights && !recipe.learns_biases) return;
  for (const StoredPoint &point : learnables.operands) {
    store_learned_tensor(ctx, session, point.value);
  }
}

}  // namespace halftone::passes
