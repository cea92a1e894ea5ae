// Exact widening of the narrow float formats, and the one narrowing that the kernel's own edits need.
#pragma once

#include <cstdint>

namespace halftone::model {

float float_from_f16(std::uint16_t bits);
float float_from_bf16(std::uint16_t bits);
float float_from_f8e4m3fn(std::uint8_t bits);  // 0x7f and 0xff are NaN, there is no infinity
float float_from_f8e5m2(std::uint8_t bits);
// One zero and one NaN, 0x80, and no infinity; their bias is one more than that of the formats above.
float float_from_f8e4m3fnuz(std::uint8_t bits);
float float_from_f8e5m2fnuz(std::uint8_t bits);
float float_from_f8e8m0(std::uint8_t bits);  // a power of two; 0xff is NaN
float float_from_f4e2m1(std::uint8_t bits);  // the low four bits

// Round to nearest, ties to even; overflow becomes infinity.
std::uint16_t f16_from_float(float value);
std::uint16_t bf16_from_float(float value);

}  // namespace halftone::model
