// `overrides:` rules: what a user wants otherwise than the platform says. Applied when the configs exist, before
// anything is decided from them.
#pragma once

#include <vector>

#include "core/host/context.h"
#include "core/host/registry.h"
#include "core/pipeline/chosen_observers.h"
#include "core/pipeline/pipeline_spec.h"

namespace halftone::pipeline {

// Checks what the rules set, before there is a model: that it is something, and the names of observers. Throws
// InvalidArgument with the location.
void check_overrides(const std::vector<OverrideRule> &rules, const host::Registry &registry);

// Each rule in order, the last match wins. Throws InvalidArgument with the location for a rule that matches or sets
// nothing, or a setting that the config refuses; the `first_time` in a run also for one after which all is as before.
// The observers that they name go to `chosen`. `passes_name_observers`: a rule may name the observer that the platform
// names too, to have it kept.
struct OverrideRun {
  bool first_time = true;
  bool passes_name_observers = false;
};
void apply_overrides(const std::vector<OverrideRule> &rules, host::WorkingModel &working, ChosenObservers &chosen,
                     const OverrideRun &run);

}  // namespace halftone::pipeline
