#include "core/pipeline/float32_form.h"

#include <algorithm>

#include "core/pipeline/plan.h"
#include "core/pipeline/transaction.h"

namespace halftone::pipeline {
namespace {

constexpr const char *kPass = "unify-floats";

bool has_other_floats(const model::Model &m) {
  const auto is_other = [&](model::Handle h) {
    const ht_dtype type = m.value(h).type.dtype;
    return type == HT_F16 || type == HT_BF16 || type == HT_F64;
  };
  return std::ranges::any_of(m.graphs(),
                             [&](model::Handle g) { return std::ranges::any_of(m.graph(g).values, is_other); });
}

}  // namespace

void bring_to_float32(const host::Registry &registry, const host::KernelIndex &kernels, host::WorkingModel &working) {
  if (!has_other_floats(working.model) || registry.find(HT_KIND_PASS, kPass) == nullptr) return;
  RunServices services;
  services.kernels = &kernels;
  for (const PlannedStep &step : make_plan(registry, {PassStep{kPass, {}, {}}}, false)) {
    run_step(step, services, working);
  }
}

}  // namespace halftone::pipeline
