// The plan of a run: which passes, in which order, with which parameters, checked before anything runs.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "core/host/registry.h"
#include "core/pipeline/pipeline_spec.h"

namespace halftone::pipeline {

struct PlannedStep {
  const host::Component *component = nullptr;
  Setting settings;
  Location where;
  bool inserted = false;  // by the planner, because a later pass needs a fact that nothing established
};

// Resolves names, inserts the pass that provides a missing fact where there is exactly one, and checks that every pass
// finds the facts that it needs. Throws with the location: unknown pass, a fact missing (naming who provides it), a
// fact destroyed by a pass in between, a pass that asks the platform when there is none (`platform` false).
// `holding`: facts that hold before the first pass.
std::vector<PlannedStep> make_plan(const host::Registry &registry, const std::vector<PassStep> &passes, bool platform,
                                   const std::set<std::string> &holding = {});

}  // namespace halftone::pipeline
