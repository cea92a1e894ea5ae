// From sums of channels-last rows to codes, vectorised where the multiplier is float32 and halves go to even; the same
// bits as integer::Requantizer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "integer/requantize.h"

namespace halftone::onednn {

class Finish {
 public:
  // `channels` as the sums have them, `used` of them real.
  Finish(const integer::Requantizer &to, ht_dtype dtype, std::size_t channels, std::size_t used);
  // sums: [pixels][channels]; codes: [pixels][used] of bytes or 16-bit words.
  void run(const std::int32_t *sums, std::size_t pixels, void *codes) const;

 private:
  const integer::Requantizer &to_;
  ht_dtype dtype_;
  std::size_t channels_, used_;
  bool vector_;
  std::vector<float> multipliers_, offsets_;
};

// What one side of an element-wise operator stands for: x = (code - zero) * scale.
struct Side {
  const std::uint8_t *codes;
  bool is_signed;
  float scale;
  std::int32_t zero;
};
enum class Pairing { kAdd, kSub, kMul };
// The codes of (a op b) / scale, rounded half to even, within limits; all in float32, operation by operation.
struct PairTarget {
  float scale;
  std::int32_t zero, low, high;
  bool is_signed;
};
void pair_codes(Pairing pairing, const Side &a, const Side &b, const PairTarget &to, std::uint8_t *codes,
                std::size_t count);

}  // namespace halftone::onednn
