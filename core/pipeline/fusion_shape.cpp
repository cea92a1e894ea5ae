#include "core/pipeline/fusion_spec.h"
#include "core/pipeline/platform_shape.h"
#include "halftone/tensor.h"

namespace halftone::pipeline {
namespace {

using shape::either;
using shape::integer;
using shape::map;
using shape::not_empty;
using shape::text;

Shape point() {
  const Shape fixed = map({{"scale", shape::number(), "the scale, above 0", true},
                           {"zero_point", integer(-(1LL << 31), (1LL << 31) - 1), "the code of 0; 0 unless given"}});
  const Shape whole = map({{"type", text(), "a name under `types`, or fp32"},
                           {"axis", integer(0, HT_MAX_RANK - 1), "of its channels"},
                           {"fixed", fixed, "a scale that the device gives"}});
  return either({text(), not_empty(whole, "it takes type, axis and fixed")});
}

Shape demand() {
  return not_empty(map({{"bits", shape::numbers(), "the width, or several to choose from"},
                        {"kind", shape::choice(kQuantKinds), "integers, or one of the float8 types"},
                        {"signed", shape::flag(), "whether there are negative codes"},
                        {"symmetry", shape::choice(kSymmetries), "whether the range is centred on zero"},
                        {"granularity", shape::choice(kGranularities), "what has a scale of its own"}}),
                   "it takes bits, kind, signed, symmetry and granularity");
}

Shape fusion() {
  const Shape in_code = map({{"pass", not_empty(text(), "name a pass"), "a pass that does it in code", true}});
  return map({{"name", not_empty(text(), "name the fusion"), "what reports call it", true},
              {"doc", text(), "a note"},
              {"pattern", text(), "the float form, which says what is computed", true},
              {"fused", text(), "one operator that runs in its place; a plug-in has its kernel"},
              {"deployed", either({text(), in_code}), "what stands in the exported file, or the pass that does it"},
              {"trainable", shape::choice({"scale-factor", "frozen"}),
               "how normalizations inside are trained: by the batch, or as what they were folded into"},
              {"points", shape::map_of(point()), "types of the values around it, by their names in the pattern"},
              {"observation", shape::choice({"own", "shared-with-input", "none"}),
               "where the scale of the output comes from: its own values, the first input, or nowhere"},
              {"share", shape::list(shape::list(text())), "names of values that have one scale"},
              {"dtypes", shape::map_of(demand()), "what the types of these values must be for the fusion to apply"}});
}

}  // namespace

Shape fusions_shape() {
  return shape::list(fusion());
}

}  // namespace halftone::pipeline
