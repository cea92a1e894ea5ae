#include "quantizer.h"

#include <algorithm>

#include "ops/shape.h"

namespace halftone::reference {

namespace {

bool is_live(std::uint32_t state) {
  return state == HT_STATE_ACTIVATED || state == HT_STATE_PASSIVE;
}

ht_quantizer from_spec(const ht_quant_spec &spec) {
  ht_quantizer q{};
  q.struct_size = sizeof(q);
  q.kind = spec.kind;
  q.rounding = spec.rounding;
  q.granularity = spec.granularity;
  q.quant_min = spec.quant_min;
  q.quant_max = spec.quant_max;
  q.axis = spec.axis;
  q.block_size = spec.block_size;
  return q;
}

}  // namespace

std::optional<Quantizer> Quantizer::of(const sdk::Configs &configs, ht_handle config, bool baked) {
  if (config == HT_NONE) return std::nullopt;
  Quantizer out;
  const ht_config_info info = configs.info(config);
  if (info.spec.dynamic != 0) {
    if (!is_live(info.state)) return std::nullopt;
    if (info.spec.granularity != HT_PER_TENSOR) {
      throw sdk::Failure(HT_UNIMPLEMENTED, "a range taken at run time per channel or block", config);
    }
    out.quantizer_ = from_spec(info.spec);
    out.dynamic_ = info.spec;
    return out;
  }
  const auto found = configs.quantizer(config, baked);
  if (!found) return std::nullopt;
  out.quantizer_ = *found;
  out.scales_.assign(found->scales, found->scales + found->count);
  out.zero_points_.assign(found->zero_points, found->zero_points + found->count);
  return out;
}

void Quantizer::apply(const sdk::Context &ctx, const ht_tensor_view &from, ht_tensor_view &to) const {
  if (from.dtype != HT_F32 || count_of(from) == 0) return;
  ht_quantizer q = quantizer_;
  float scale = 0;
  std::int32_t zero_point = 0;
  if (dynamic_) {
    const auto *data = static_cast<const float *>(from.data);
    const auto [low, high] = std::minmax_element(data, data + count_of(from));
    sdk::check(ctx.host.arithmetic->scale_from_range(ctx.raw, &*dynamic_, *low, *high, &scale, &zero_point));
    q.count = 1;
    q.scales = &scale;
    q.zero_points = &zero_point;
  } else {
    q.scales = scales_.data();
    q.zero_points = zero_points_.data();
  }
  sdk::check(ctx.host.arithmetic->fake_quantize(ctx.raw, &q, &from, &to));
}

}  // namespace halftone::reference
