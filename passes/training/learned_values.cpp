#include "learned_values.h"

#include <algorithm>
#include <cmath>

#include "halftone/config.hpp"
#include "halftone/stored_tensor.hpp"

namespace halftone::passes {

void store_tensor(const sdk::Context &ctx, ht_handle value, const std::vector<float> &values) {
  const auto present = sdk::Graph(ctx).initializer(value);
  if (!present || static_cast<std::size_t>(sdk::count_of(*present)) != values.size()) {
    throw sdk::Failure(HT_INTERNAL, "the trainer gave another number of elements than the tensor has", value);
  }
  const std::vector<std::int64_t> shape(present->shape, present->shape + present->rank);
  sdk::GraphEdit(ctx).set_initializer(value, sdk::float_view(values.data(), shape));
}

void store_learned_tensor(const sdk::Context &ctx, const sdk::TrainingSession &session, ht_handle value) {
  store_tensor(ctx, value, sdk::elements_of<float>(session.read(ctx, HT_LEARNED_WEIGHT, value)));
}

std::vector<std::int32_t> learned_zero_points(const ht_config_info &info, const std::vector<float> &offsets) {
  std::vector<std::int32_t> zero_points(info.zero_points, info.zero_points + info.scale_count);
  if (info.spec.symmetry == HT_SYMMETRIC || offsets.empty()) return zero_points;
  if (offsets.size() != zero_points.size()) {
    throw sdk::Failure(HT_INTERNAL, "the trainer gave another number of zero points than the config has", info.node);
  }
  const auto low = static_cast<double>(info.spec.quant_min), high = static_cast<double>(info.spec.quant_max);
  for (std::size_t i = 0; i < offsets.size(); ++i) {
    if (!std::isfinite(offsets[i])) {
      throw sdk::Failure(HT_INVALID_ARGUMENT,
                         "the zero point that was learned for entry " + std::to_string(i) +
                             " is not finite; a smaller learning rate may help",
                         info.node);
    }
    if (offsets[i] == static_cast<float>(zero_points[i])) continue;
    zero_points[i] = static_cast<std::int32_t>(std::clamp(std::nearbyint(double{offsets[i]}), low, high));
  }
  return zero_points;
}

void store_learned_scales(const sdk::Context &ctx, const sdk::TrainingSession &session, ht_handle config,
                          const std::string &rule) {
  const sdk::Configs configs(ctx);
  const std::vector<float> scales = sdk::elements_of<float>(session.read(ctx, HT_LEARNED_SCALE, config));
  const std::vector<float> offsets = sdk::elements_of<float>(session.read(ctx, HT_LEARNED_OFFSET, config));
  const ht_config_info info = configs.info(config);
  if (scales.size() != info.scale_count) {
    throw sdk::Failure(HT_INTERNAL, "the trainer gave another number of scales than the config has", info.node);
  }
  configs.set_scales(config, scales, learned_zero_points(info, offsets), rule);
}

}  // namespace halftone::passes
