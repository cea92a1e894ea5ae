// Kinds of learned values as bits of a set.
#pragma once

#include <cstdint>

#include "halftone/trainer.h"

namespace halftone::passes {

constexpr std::uint32_t kLearnsScale = 1U << HT_LEARNED_SCALE, kLearnsOffset = 1U << HT_LEARNED_OFFSET,
                        kLearnsRounding = 1U << HT_LEARNED_ROUNDING;

}  // namespace halftone::passes
