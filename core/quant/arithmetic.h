// The one definition of quantization arithmetic. Executors, passes, exporters and tests all come here.
//
// The plain functions are the definition; fake_quantize() and quantize() use vector code chosen at run time whose bits
// equal theirs.
//
// Integers. q = clamp(round(x / scale) + zero_point, quant_min, quant_max), y = (q - zero_point) * scale, true
// division. While the range lies within +-2^24 and is no wider than 2^24 everything is float32, where every integer
// involved is exact. A wider range (a bias of 32 bits) is computed in double and y is rounded to float32 at the end; in
// float32 neither quant_max nor most steps could be represented.
// - Fake quantization equals dequantize(quantize(x)) bit for bit; so a value that rounds to zero gives +0, never -0.
// - Infinities and quotients beyond the integers saturate. NaN stays NaN in fake quantization; quantization has no code
//   for it and gives the zero point.
//
// Float8. The quotient x / scale is rounded to the nearest value of the format, ties to even, beyond the largest finite
// value to that value (infinities too), then multiplied by the scale. -0 and NaN are kept. Codes take 0..255; zero
// points are not read and may be null.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "halftone/quant.h"

namespace halftone::quant {

struct Scale {
  float scale = 1.0F;
  std::int32_t zero_point = 0;
};

inline constexpr float kMinScale = 1e-8F;

// A default spec: symmetric or asymmetric integers per tensor over all codes of the width, half-even, free scale,
// narrow span, exported when active. Throws InvalidArgument for bits out of 2..32, and for 32 unsigned bits.
ht_quant_spec make_spec(std::uint32_t bits, bool is_signed, std::uint32_t symmetry);

// Throws InvalidArgument with what is inconsistent: bits out of 2..32, quant_min >= quant_max or outside the bits (or
// outside int32, which is what quantized values are handed over in), unknown codes, per-channel without an axis, a
// symmetric range without 0, float8 that is asymmetric, unsigned or not rounded to even.
void check_spec(const ht_quant_spec &spec);

// Range to scale, computed in double and rounded to float32 once. The range is widened to contain 0. In this order:
// - symmetric, narrow span: absmax / min(-quant_min, quant_max); a range on one side of 0 (quant_min is 0) uses its
//   longer side. Half span: 2 * absmax / (quant_max - quant_min). Float8: absmax / the largest finite value.
// - asymmetric: (hi - lo) / (quant_max - quant_min);
// - the floor kMinScale, then, where asked, up to the next power of two;
// - zero point: 0 when symmetric, else clamp(round_half_even(quant_min - lo / scale), quant_min, quant_max).
// Throws InvalidArgument for a range that is not finite or has lo > hi.
Scale scale_from_range(float lo, float hi, const ht_quant_spec &spec);

// round(x) under one of HT_ROUND_*, exactly for every float. Throws InvalidArgument for another code.
float round_to(float x, std::uint32_t rounding);

// One element, by the book. Only kind, rounding, quant_min and quant_max of the quantizer are read.
float fake_quantize_one(float x, float scale, std::int32_t zero_point, const ht_quantizer &quantizer);
std::int32_t quantize_one(float x, float scale, std::int32_t zero_point, const ht_quantizer &quantizer);
float dequantize_one(std::int32_t q, float scale, std::int32_t zero_point, const ht_quantizer &quantizer);

// Entries of the arrays that a quantizer of this granularity needs for a tensor of this shape: 1, shape[axis], or the
// number of elements of the shape whose extent at `axis` is divided by block_size and rounded up (blocks run along
// `axis`, as in ONNX's blocked DequantizeLinear; entries are row-major over that smaller shape). Throws InvalidArgument
// when the axis is out of range or block_size is not positive.
std::uint64_t entry_count(std::span<const std::int64_t> shape, std::uint32_t granularity, std::int32_t axis,
                          std::int32_t block_size);

// Throw InvalidArgument when the quantizer's entries do not fit the shape, the axis is out of range, a scale is not
// finite and positive or a zero point is outside the range.
// in and out may be the same memory. `shape` is row-major contiguous.
void fake_quantize(std::span<const float> in, std::span<float> out, std::span<const std::int64_t> shape,
                   const ht_quantizer &quantizer);
void quantize(std::span<const float> in, std::span<std::int32_t> out, std::span<const std::int64_t> shape,
              const ht_quantizer &quantizer);
void dequantize(std::span<const std::int32_t> in, std::span<float> out, std::span<const std::int64_t> shape,
                const ht_quantizer &quantizer);

// float8 codes (one byte each) for stored tensors: OCP E4M3FN and E5M2, nearest even, saturating, subnormals kept. NaN
// becomes 0x7F with its sign. Decoding knows every code, also the infinities of E5M2. Throw InvalidArgument for a kind
// that is not float8.
std::uint8_t encode_float8(float x, std::uint32_t kind);
float decode_float8(std::uint8_t code, std::uint32_t kind);
float float8_maximum(std::uint32_t kind);  // 448 and 57344

}  // namespace halftone::quant
