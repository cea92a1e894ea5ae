// Which method of the trainer fits a quantization point.
#pragma once

#include <cstdint>
#include <string_view>

#include "halftone/quant.h"

namespace halftone::passes {

struct MethodFit {
  std::string_view method;   // the asked one, or what is taken in its place
  std::uint32_t learns = 0;  // all that it can learn here: bits 1u << HT_LEARNED_*
};

// `shared`: a weight that several slots read, which cannot be stored as what one of them rounds it to. `own_scale`: the
// scale is of the point's values alone, and no fusion gives it; a method that spreads values over the whole range needs
// that.
MethodFit fit_method(std::string_view asked, const ht_quant_spec &spec, bool shared, bool own_scale);

}  // namespace halftone::passes
