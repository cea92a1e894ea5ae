#include "format.h"

namespace halftone::integer {

namespace {

constexpr std::int64_t kWidest = 65535;

std::optional<ht_dtype> dtype_for(std::int64_t low, std::int64_t high) {
  if (low >= 0 && high <= 255) return HT_U8;
  if (low >= -128 && high <= 127) return HT_I8;
  if (low >= 0 && high <= kWidest) return HT_U16;
  if (low >= -32768 && high <= 32767) return HT_I16;
  return std::nullopt;
}

}  // namespace

ht_quantizer Format::quantizer() const {
  ht_quantizer q{};
  q.struct_size = sizeof(q);
  q.kind = HT_QUANT_INTEGER;
  q.rounding = rounding;
  q.granularity = HT_PER_TENSOR;
  q.quant_min = low;
  q.quant_max = high;
  q.count = 1;
  q.scales = &scale;
  q.zero_points = &zero;
  return q;
}

OwnedQuantizer::OwnedQuantizer(const ht_quantizer &q) : q_(q) {
  if (HT_HAS(&q, ht_quantizer, dynamic) && q.dynamic != nullptr) {
    spec_ = *q.dynamic;
    return;
  }
  scales_.assign(q.scales, q.scales + q.count);
  zero_points_.assign(q.count, 0);  // float8 has none
  if (q.zero_points != nullptr) zero_points_.assign(q.zero_points, q.zero_points + q.count);
}

ht_quantizer OwnedQuantizer::view() const {
  ht_quantizer q = q_;
  q.struct_size = sizeof(q);
  q.dynamic = spec_ ? &*spec_ : nullptr;
  q.count = scales_.size();
  q.scales = scales_.data();
  q.zero_points = zero_points_.data();
  return q;
}

std::optional<Format> OwnedQuantizer::format() const {
  if (!is_integer() || is_dynamic() || q_.granularity != HT_PER_TENSOR || scales_.size() != 1) return std::nullopt;
  const auto dtype = dtype_for(q_.quant_min, q_.quant_max);
  if (!dtype) return std::nullopt;
  return Format{
      scales_[0],  zero_points_[0], static_cast<std::int32_t>(q_.quant_min), static_cast<std::int32_t>(q_.quant_max),
      q_.rounding, *dtype};
}

std::optional<OwnedQuantizer> quantizer_of(const sdk::Configs &configs, ht_handle config, bool baked) {
  const auto found = configs.quantizer(config, baked);
  if (!found) return std::nullopt;
  return OwnedQuantizer(*found);
}

}  // namespace halftone::integer
