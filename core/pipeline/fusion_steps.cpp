#include "core/pipeline/fusion_steps.h"

#include <algorithm>

#include "core/base/error.h"
#include "core/pipeline/named.h"
#include "halftone/pass.h"

namespace halftone::pipeline {
namespace {

constexpr const char *kFuse = "fuse-operators", *kDeploy = "deploy-operators", *kAlign = "quant-alignment";

class Steps {
 public:
  Steps(const host::Registry &registry, std::vector<PassStep> steps, const std::vector<FusionSpec> &fusions)
      : registry_(registry), steps_(std::move(steps)), where_(fusions.front().where) {}

  std::size_t size() const { return steps_.size(); }
  bool has(std::string_view id) const { return std::ranges::find(steps_, id, &PassStep::id) != steps_.end(); }

  // The first or last step that provides one of the facts; size() when none does.
  std::size_t first(std::initializer_list<std::string_view> facts) const {
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      if (provides_any(steps_[i], facts)) return i;
    }
    return steps_.size();
  }
  std::size_t last(std::string_view fact) const {
    for (std::size_t i = steps_.size(); i-- > 0;) {
      if (provides_any(steps_[i], {fact})) return i;
    }
    return steps_.size();
  }

  void insert(std::size_t at, const std::string &id, const std::string &stage = {}) {
    PassStep step;
    step.id = id;
    step.where = where_;
    if (!stage.empty()) {
      Setting value;
      value.value = value.text = stage;
      value.where = where_;
      step.settings.value = Setting::Map{{"stage", std::move(value)}};
      step.settings.where = where_;
    }
    steps_.insert(steps_.begin() + static_cast<std::ptrdiff_t>(at), std::move(step));
  }

  void append(const std::string &id, const Location &where) {
    insert(steps_.size(), id);
    steps_.back().where = where;
  }

  std::vector<PassStep> take() { return std::move(steps_); }

 private:
  // A name that no pass has is told by the planner.
  bool provides_any(const PassStep &step, std::initializer_list<std::string_view> facts) const {
    const host::Component *pass = registry_.find(HT_KIND_PASS, step.id);
    if (pass == nullptr) return false;
    const ht_component &d = *pass->description;
    return std::any_of(d.provides, d.provides + d.provide_count, [&](const char *provided) {
      return std::ranges::find(facts, std::string_view(provided)) != facts.end();
    });
  }

  const host::Registry &registry_;
  std::vector<PassStep> steps_;
  Location where_;
};

void insert_fusing(Steps &steps, const std::vector<FusionSpec> &fusions) {
  if (steps.has(kFuse)) return;
  const std::size_t configs = steps.first({HT_FACT_DISPATCHED, HT_FACT_CONFIGS});
  const std::size_t folds = steps.first({HT_FACT_BATCH_NORM_FOLDED});
  const bool replaces = std::ranges::any_of(fusions, [](const FusionSpec &fusion) { return fusion.fused.has_value(); });
  if (folds >= configs) return steps.insert(configs, kFuse);
  if (replaces) steps.insert(configs, kFuse, "replace");
  steps.insert(folds, kFuse, "find");
}

bool has_one_of(const ht_component &d, std::uint64_t capabilities) {
  return (d.capabilities & capabilities) != 0;
}

// Whether a pass has its part in how the model is quantized.
bool quantizes(const ht_component &d) {
  const bool runs_samples = has_one_of(d, HT_CAP_EXECUTE) && has_one_of(d, HT_CAP_CONFIG_READ);
  return runs_samples || has_one_of(d, HT_CAP_CONFIG_EDIT | HT_CAP_CALIBRATE) || d.provide_count > 0 ||
         d.invalidate_count > 0 || std::string_view(d.id) == kFuse;
}

}  // namespace

std::vector<PassStep> with_fusion_steps(const host::Registry &registry, std::vector<PassStep> plain,
                                        const std::vector<FusionSpec> &fusions) {
  if (fusions.empty()) return plain;
  Steps steps(registry, std::move(plain), fusions);
  if (steps.first({HT_FACT_CONFIGS}) == steps.size()) {
    fail(Status::kInvalidArgument,
         "{}no pass of this pipeline creates configs, so that fusions change nothing; add assign-configs",
         place(fusions.front().where));
  }
  insert_fusing(steps, fusions);
  const bool shares = std::ranges::any_of(fusions, [](const FusionSpec &fusion) { return !fusion.share.empty(); });
  const std::size_t calibrates = steps.last(HT_FACT_ACTIVATIONS_CALIBRATED);
  if (shares && calibrates < steps.size() && !steps.has(kAlign)) steps.insert(calibrates + 1, kAlign);
  const bool deploys =
      std::ranges::any_of(fusions, [](const FusionSpec &fusion) { return fusion.deployed.has_value(); });
  if (deploys && !steps.has(kDeploy)) steps.insert(steps.size(), kDeploy);
  for (const FusionSpec &fusion : fusions) {
    if (!fusion.deploy_pass.empty() && !steps.has(fusion.deploy_pass))
      steps.append(fusion.deploy_pass, fusion.deploy_where);
  }
  return steps.take();
}

std::set<std::string> deploying_passes(const std::vector<FusionSpec> &fusions) {
  std::set<std::string> ids{kDeploy};
  for (const FusionSpec &fusion : fusions) {
    if (!fusion.deploy_pass.empty()) ids.insert(fusion.deploy_pass);
  }
  return ids;
}

void require_deployed_last(const std::vector<PlannedStep> &plan, const std::set<std::string> &deploying) {
  const PlannedStep *first = nullptr;
  for (const PlannedStep &step : plan) {
    const ht_component &d = *step.component->description;
    if (deploying.contains(d.id)) {
      if (first == nullptr) first = &step;
    } else if (first != nullptr && quantizes(d)) {
      fail(
          Status::kInvalidArgument,
          "{}pass '{}' rewrites the model for the file alone, so that what '{}' does behind it would not be in what is "
          "evaluated; put {} at the end of `passes`",
          place(first->where), first->component->description->id, d.id, first->component->description->id);
    }
  }
}

}  // namespace halftone::pipeline
