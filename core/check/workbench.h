// What the checks of one child process share: the plug-in, loaded beside Halftone's own, and made models with samples.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/check/check.h"
#include "core/check/child.h"
#include "core/host/registry.h"

namespace halftone::check {

// A component that is checked.
struct Subject {
  std::uint32_t kind = 0;
  std::string id;
  const host::Component *component = nullptr;  // null: a platform that is a file
  std::string label() const;                   // "pass 'x'"
};

class Workbench {
 public:
  // `folder` holds what write_made_models() wrote, and takes what a check writes.
  Workbench(const CheckOptions &options, std::filesystem::path folder, Reporter &reporter)
      : options_(options), folder_(std::move(folder)), reporter_(reporter) {}

  const CheckOptions &options() const { return options_; }
  const std::filesystem::path &folder() const { return folder_; }
  Reporter &reporter() { return reporter_; }
  // Loads the plug-in the first time.
  const host::Registry &registry();
  std::vector<Subject> subjects();
  // What --set says for a component: null or a map.
  const Setting &parameters_of(const Subject &subject) const;

  bool begin(const Subject &subject, const std::string &what) { return reporter_.begin(subject.label(), what); }
  void fail(const std::string &text, const std::string &remedy) { reporter_.tell(Severity::kFailure, text, remedy); }
  void warn(const std::string &text, const std::string &remedy) { reporter_.tell(Severity::kWarning, text, remedy); }

 private:
  const CheckOptions &options_;
  std::filesystem::path folder_;
  Reporter &reporter_;
  std::optional<host::Registry> registry_;
};

}  // namespace halftone::check
