// How far the components of a run are to be trusted, by their names: what a user asks for.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "core/base/setting.h"

namespace halftone::host {

enum class Trust : std::uint32_t {
  kTrusted = 0,   // called as it is
  kChecked = 1,   // watched in this process: guarded.cpp; a pass runs twice (core/pipeline)
  kIsolated = 2,  // in a worker process: isolated.cpp
};

struct TrustRule {
  std::string name;  // of a pass, an exporter or a reader; empty: all of them
  Trust trust = Trust::kTrusted;
  Location where;
};

struct TrustSettings {
  std::vector<TrustRule> rules;               // the last one about a component holds; one by name before one about all
  std::chrono::milliseconds silence{300000};  // see WorkerOptions
};

}  // namespace halftone::host
