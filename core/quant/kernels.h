// Vector code behind fake_quantize() and quantize(), chosen for the processor at run time.
#pragma once

#include <cstddef>
#include <cstdint>

#include "halftone/quant.h"

namespace halftone::quant {

// Whether every integer of q, q - zero_point and their bounds is exact in float32. Wider ranges have no vector code.
constexpr bool fits_float32(const ht_quantizer &q) {
  constexpr std::int64_t kExact = std::int64_t{1} << 24;
  return q.quant_min >= -kExact && q.quant_max <= kExact && q.quant_max - q.quant_min <= kExact;
}

// What a run of contiguous elements is quantized with: one entry for all of it, or one entry for each element.
struct Entries {
  const float *scales = nullptr;
  const std::int32_t *zero_points = nullptr;  // not read for float8
  bool varying = false;
};

// For integer kinds that fit float32 and, fake quantization only, float8.
void fake_quantize_run(const float *in, float *out, std::size_t count, const Entries &entries,
                       const ht_quantizer &quantizer);
void quantize_run(const float *in, std::int32_t *out, std::size_t count, const Entries &entries,
                  const ht_quantizer &quantizer);

}  // namespace halftone::quant
