// A quantizer as a file sees it: its parameters by value, and the ONNX type that stores its codes.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "halftone/config.hpp"

namespace halftone::exporters {

struct Quantization {
  std::uint32_t kind = HT_QUANT_INTEGER;
  std::uint32_t rounding = HT_ROUND_HALF_EVEN;
  std::uint32_t granularity = HT_PER_TENSOR;
  std::int64_t quant_min = 0, quant_max = 0;
  std::int32_t axis = 0, block_size = 0;
  std::vector<float> scales;
  std::vector<std::int32_t> zero_points;
  bool dynamic = false;                        // the scale is taken at run time
  std::uint32_t symmetry = 0, scale_form = 0;  // of a dynamic one

  explicit Quantization(const ht_quantizer &q);
  bool per_channel() const { return granularity == HT_PER_CHANNEL; }
  bool per_block() const { return granularity == HT_PER_BLOCK; }
  // The shape of the scales for a tensor of this one; empty for one scale.
  std::vector<std::int64_t> entry_shape(std::span<const std::int64_t> shape) const;
  // For ht.arithmetic; valid as long as this object.
  ht_quantizer view() const;
  friend bool operator==(const Quantization &, const Quantization &) = default;
};

// How codes are stored: the ONNX element type, the codes it can hold, and the opset that QuantizeLinear and
// DequantizeLinear need for it.
struct Storage {
  ht_dtype dtype = HT_DTYPE_NONE;
  std::int64_t low = 0, high = 0;
  std::int64_t opset = 13;
};

// The narrowest type that holds every code. `constant`: stored once, so int32 and 4-bit types serve as well. Nullopt
// when ONNX has none, such as 20-bit activations.
std::optional<Storage> storage_of(const Quantization &q, bool constant);

// A zero point or stored code block of `count` elements, packed as `dtype` demands.
std::vector<std::uint8_t> pack_codes(const std::vector<std::int32_t> &codes, ht_dtype dtype);
std::uint64_t packed_bytes(std::uint64_t count, ht_dtype dtype);

}  // namespace halftone::exporters
