// Observers that `overrides:` name. They go before what a platform or a pass names, as a rule is the user's last word.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/base/setting.h"
#include "core/host/context.h"

namespace halftone::pipeline {

class ChosenObservers {
 public:
  // The last rule that names one for a config wins.
  void choose(model::Handle config, std::string observer, std::map<std::string, std::string> parameters,
              const Location &rule);
  struct Choice {
    std::string observer;
    std::map<std::string, std::string> parameters;
    Location rule;
  };
  const Choice *find(model::Handle config) const;  // null where no rule names one
  // For a state that is kept.
  const std::map<model::Handle, Choice> &all() const noexcept { return chosen_; }
  std::map<model::Handle, Choice> &all() noexcept { return chosen_; }

  // Sets them in the configs that they are for, where a pass has set another.
  void restore(host::WorkingModel &working) const;

  // Rules whose observers have no range to find any more, because each config takes its range from another or stays in
  // float; to be asked when passes have settled that. Throws InvalidArgument for a rule of which nothing is left, and
  // gives a warning for one of which something is left.
  std::vector<std::string> check(const host::WorkingModel &working) const;

 private:
  std::map<model::Handle, Choice> chosen_;
};

}  // namespace halftone::pipeline
