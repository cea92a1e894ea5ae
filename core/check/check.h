// `halftone check-plugin`: what can be found out about a plug-in without knowing what it is for. docs/plugin-tools.md
// says what each check looks at.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "core/base/setting.h"

namespace halftone::check {

struct CheckOptions {
  std::filesystem::path file;      // absolute: a plug-in, or NAME.platform.yaml
  std::string only;                // one check by name; empty: all
  std::uint64_t seed = 1;          // of made samples and parameters
  std::chrono::seconds limit{60};  // for each step of a check
  Setting parameters;              // null or a map: for components that need values to be created at all
};

enum class Severity { kFailure, kWarning };

struct Finding {
  Severity severity = Severity::kFailure;
  std::string component;  // "pass 'x'", or empty: the plug-in
  std::string text;       // what was found, and at which step
  std::string remedy;
};

struct CheckResult {
  std::string name;
  std::uint64_t steps = 0;              // that were taken
  std::uint64_t done = 0, refused = 0;  // of the attempts to run something: to the end, or not with these inputs
  std::string skipped;                  // why the check was not made, or empty
  std::vector<Finding> findings;
  bool failed() const;
};

struct CheckName {
  const char *name;
  const char *summary;
};
std::vector<CheckName> check_names();

// Each check runs in child processes of its own, so that a crash or a hang is a finding; `done` hears of each as it
// ends. The process must not have started threads. Throws where the file cannot be read or `only` is no check.
std::vector<CheckResult> check_plugin(const CheckOptions &options,
                                      const std::function<void(const CheckResult &)> &done);

}  // namespace halftone::check
