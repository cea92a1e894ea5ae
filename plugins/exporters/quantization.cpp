#include "quantization.h"

#include <array>
#include <cstring>
#include <limits>

namespace halftone::exporters {
namespace {

std::uint64_t code_bytes(ht_dtype dtype) {
  if (dtype == HT_I32) return 4;
  return dtype == HT_I16 || dtype == HT_U16 ? 2 : 1;
}

}  // namespace

Quantization::Quantization(const ht_quantizer &q)
    : kind(q.kind),
      rounding(q.rounding),
      granularity(q.granularity),
      quant_min(q.quant_min),
      quant_max(q.quant_max),
      axis(q.axis),
      block_size(q.block_size),
      scales(q.scales, q.scales + q.count),
      zero_points(q.zero_points, q.zero_points + q.count) {
  // What does not matter must not make two equal quantizers differ.
  if (granularity == HT_PER_TENSOR) axis = block_size = 0;
  if (q.dynamic == nullptr) return;
  dynamic = true;
  symmetry = q.dynamic->symmetry;
  scale_form = q.dynamic->scale_form;
}

std::vector<std::int64_t> Quantization::entry_shape(std::span<const std::int64_t> shape) const {
  if (per_channel()) return {static_cast<std::int64_t>(scales.size())};
  if (!per_block()) return {};
  std::vector<std::int64_t> entries(shape.begin(), shape.end());
  std::int64_t &extent = entries.at(static_cast<std::size_t>(axis));
  extent = (extent + block_size - 1) / block_size;
  return entries;
}

ht_quantizer Quantization::view() const {
  ht_quantizer q{};
  q.struct_size = sizeof(q);
  q.kind = kind;
  q.rounding = rounding;
  q.granularity = granularity;
  q.quant_min = quant_min;
  q.quant_max = quant_max;
  q.axis = axis;
  q.block_size = block_size;
  q.count = scales.size();
  q.scales = scales.data();
  q.zero_points = zero_points.data();
  return q;
}

std::optional<Storage> storage_of(const Quantization &q, bool constant) {
  if (q.kind == HT_QUANT_F8E4M3FN) return Storage{HT_F8E4M3FN, 0, 0, 19};
  if (q.kind == HT_QUANT_F8E5M2) return Storage{HT_F8E5M2, 0, 0, 19};
  // 4-bit types are for parameters: no runtime computes on 4-bit activations, and 8-bit codes need no new opset.
  const std::array<Storage, 2> narrow = {{{HT_I4, -8, 7, 21}, {HT_U4, 0, 15, 21}}};
  const std::array<Storage, 4> plain = {
      {{HT_I8, -128, 127, 13}, {HT_U8, 0, 255, 13}, {HT_I16, -32768, 32767, 21}, {HT_U16, 0, 65535, 21}}};
  const auto holds = [&](const Storage &s) { return q.quant_min >= s.low && q.quant_max <= s.high; };
  // Exactly the type's own range: a range of, say, 6 bits or 3 bits goes into bytes.
  for (const Storage &s : narrow) {
    if (constant && q.quant_max == s.high && (q.quant_min == s.low || q.quant_min == s.low + 1)) return s;
  }
  for (const Storage &s : plain) {
    // Codes without a sign go into a type without one, as runtimes expect of unsigned activations.
    const bool without_sign = s.low == 0;
    if (without_sign == (q.quant_min >= 0) && holds(s)) return s;
  }
  constexpr Storage kWide{HT_I32, std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max(),
                          13};
  if (constant && holds(kWide)) return kWide;
  return std::nullopt;
}

std::uint64_t packed_bytes(std::uint64_t count, ht_dtype dtype) {
  return dtype == HT_I4 || dtype == HT_U4 ? (count + 1) / 2 : count * code_bytes(dtype);
}

std::vector<std::uint8_t> pack_codes(const std::vector<std::int32_t> &codes, ht_dtype dtype) {
  std::vector<std::uint8_t> out(packed_bytes(codes.size(), dtype));
  if (dtype == HT_I4 || dtype == HT_U4) {
    for (std::size_t i = 0; i < codes.size(); ++i) {
      const auto nibble = static_cast<std::uint8_t>(static_cast<std::uint32_t>(codes[i]) & 0xFU);
      out[i / 2] = static_cast<std::uint8_t>(out[i / 2] | (i % 2 == 0 ? nibble : nibble << 4U));
    }
    return out;
  }
  // Little-endian two's complement: the low bytes of the code.
  const std::uint64_t width = code_bytes(dtype);
  for (std::size_t i = 0; i < codes.size(); ++i) {
    const auto code = static_cast<std::uint32_t>(codes[i]);
    for (std::uint64_t b = 0; b < width; ++b) out[i * width + b] = static_cast<std::uint8_t>(code >> (8U * b));
  }
  return out;
}

}  // namespace halftone::exporters
