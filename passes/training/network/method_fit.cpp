#include "method_fit.h"

#include "../learned_kinds.h"
#include "halftone/trainer.h"

namespace halftone::passes {
namespace {

bool is_nearest(std::uint32_t rounding) {
  return rounding != HT_ROUND_UP && rounding != HT_ROUND_DOWN;
}

// What every point can have: its scale learned where it is free.
MethodFit plain(const ht_quant_spec &spec) {
  if (spec.scale_form == HT_SCALE_POWER_OF_TWO) return {"fixed", 0};
  return {"lsq", kLearnsScale};
}

}  // namespace

MethodFit fit_method(std::string_view asked, const ht_quant_spec &spec, bool shared, bool own_scale) {
  if (asked == "fixed") return {asked, 0};
  if (spec.kind != HT_QUANT_INTEGER) return plain(spec);
  const bool free = spec.scale_form == HT_SCALE_FREE, symmetric = spec.symmetry == HT_SYMMETRIC;
  const bool narrow = spec.bits <= 24;
  const std::uint32_t offset = symmetric ? 0 : kLearnsOffset;
  if (asked == "power-of-two") return {asked, 0};
  if (asked == "tqt") return symmetric ? MethodFit{asked, kLearnsScale} : plain(spec);
  if (asked == "dorefa") return shared || !own_scale ? plain(spec) : MethodFit{asked, 0};
  if (asked == "adaround")
    return shared || !narrow ? plain(spec) : MethodFit{asked, kLearnsRounding | (free ? kLearnsScale : 0)};
  if (!free) return plain(spec);
  if (asked == "lsq-plus") return symmetric ? plain(spec) : MethodFit{asked, kLearnsScale | offset};
  if (asked == "qdrop") return narrow ? MethodFit{asked, kLearnsScale | offset} : plain(spec);
  if (asked == "dsq") return narrow && is_nearest(spec.rounding) ? MethodFit{asked, kLearnsScale} : plain(spec);
  return {asked, kLearnsScale};  // lsq, pact
}

}  // namespace halftone::passes
