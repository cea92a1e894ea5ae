// What a platform descriptor may hold.
#pragma once

#include "core/base/shape.h"
#include "halftone/config.h"
#include "halftone/quant.h"

namespace halftone::pipeline {

const Shape &platform_shape();

inline constexpr std::int64_t kPlatformVersion = 1;

// Names in a descriptor and what they stand for.
inline const Codes kQuantKinds = {
    {"integer", HT_QUANT_INTEGER}, {"float8e4m3fn", HT_QUANT_F8E4M3FN}, {"float8e5m2", HT_QUANT_F8E5M2}};
inline const Codes kSymmetries = {{"symmetric", HT_SYMMETRIC}, {"asymmetric", HT_ASYMMETRIC}};
inline const Codes kScaleForms = {{"free", HT_SCALE_FREE}, {"power-of-two", HT_SCALE_POWER_OF_TWO}};
inline const Codes kSpans = {{"narrow", HT_SPAN_NARROW}, {"half", HT_SPAN_HALF}};
inline const Codes kRoundings = {{"half-even", HT_ROUND_HALF_EVEN},
                                 {"half-up", HT_ROUND_HALF_UP},
                                 {"half-down", HT_ROUND_HALF_DOWN},
                                 {"half-toward-zero", HT_ROUND_HALF_TOWARD_ZERO},
                                 {"half-away-from-zero", HT_ROUND_HALF_AWAY_FROM_ZERO},
                                 {"up", HT_ROUND_UP},
                                 {"down", HT_ROUND_DOWN}};
inline const Codes kVisibilities = {
    {"when-active", HT_EXPORT_WHEN_ACTIVE}, {"always", HT_EXPORT_ALWAYS}, {"never", HT_EXPORT_NEVER}};
inline const Codes kGranularities = {{"tensor", HT_PER_TENSOR}, {"channel", HT_PER_CHANNEL}, {"block", HT_PER_BLOCK}};

}  // namespace halftone::pipeline
