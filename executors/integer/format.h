// How a value is held as codes between nodes, and quantizers that outlive the call that gave them.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "halftone/config.hpp"

namespace halftone::integer {

// One scale and one zero point for the whole value: x = (code - zero) * scale. Codes of at most 16 bits.
struct Format {
  float scale = 1;
  std::int32_t zero = 0, low = 0, high = 0;
  std::uint32_t rounding = HT_ROUND_HALF_EVEN;
  ht_dtype dtype = HT_U8;  // the narrowest that holds every code: uint8, int8, uint16 or int16

  // For ht.arithmetic/1; points into this object.
  ht_quantizer quantizer() const;
  // The same codes for the same values: rounding does not matter to what is rounded already.
  bool same_grid(const Format &other) const {
    return scale == other.scale && zero == other.zero && low == other.low && high == other.high;
  }
};

// A quantizer with arrays of its own.
class OwnedQuantizer {
 public:
  explicit OwnedQuantizer(const ht_quantizer &q);
  // For ht.arithmetic/1; points into this object.
  ht_quantizer view() const;
  bool is_dynamic() const { return spec_.has_value(); }
  bool is_integer() const { return q_.kind == HT_QUANT_INTEGER; }
  // As a format of values, where it is one: integers of at most 16 bits, per tensor, with a scale known now.
  std::optional<Format> format() const;
  const std::vector<float> &scales() const { return scales_; }
  const std::vector<std::int32_t> &zero_points() const { return zero_points_; }

 private:
  ht_quantizer q_;
  std::vector<float> scales_;
  std::vector<std::int32_t> zero_points_;
  std::optional<ht_quant_spec> spec_;
};

// The quantizer of a config: live ones, with `baked` those of stored parameters too. Nullopt where nothing is
// quantized.
std::optional<OwnedQuantizer> quantizer_of(const sdk::Configs &configs, ht_handle config, bool baked = false);

}  // namespace halftone::integer
