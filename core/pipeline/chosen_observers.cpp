#include "core/pipeline/chosen_observers.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "core/base/error.h"

namespace halftone::pipeline {

namespace {

// Why a config asks its observer for nothing, or empty.
std::string idle_reason(const host::WorkingModel &working, model::Handle handle) {
  const quant::Config &config = working.configs.get(handle);
  const auto place = [&](model::Handle of) { return quant::describe(working.configs.get(of).key, working.model); };
  const model::Handle source = working.configs.source(handle);
  if (source != handle) {
    return fmt::format("the {} takes the scale of the {}; name the observer there", place(handle), place(source));
  }
  if (config.state == quant::State::kFp32) return fmt::format("the {} stays in float", place(handle));
  return {};
}

// Configs that a rule names an observer for.
struct Use {
  std::size_t all = 0, idle = 0;
  std::string observer, first_reason;
};

}  // namespace

void ChosenObservers::choose(model::Handle config, std::string observer, std::map<std::string, std::string> parameters,
                             const Location &rule) {
  chosen_[config] = {std::move(observer), std::move(parameters), rule};
}

const ChosenObservers::Choice *ChosenObservers::find(model::Handle config) const {
  const auto found = chosen_.find(config);
  return found == chosen_.end() ? nullptr : &found->second;
}

void ChosenObservers::restore(host::WorkingModel &working) const {
  if (chosen_.empty()) return;
  for (const model::Handle handle : working.configs.all()) {
    const Choice *choice = find(handle);
    if (choice == nullptr) continue;
    const quant::Config &now = working.configs.get(handle);
    if (now.observer != choice->observer || now.observer_parameters != choice->parameters)
      working.configs.set_observer(handle, choice->observer, choice->parameters);
  }
}

std::vector<std::string> ChosenObservers::check(const host::WorkingModel &working) const {
  std::vector<std::pair<std::string, Use>> rules;  // by their place, in the order of the configs
  for (const model::Handle handle : working.configs.all()) {
    const Choice *choice = find(handle);
    if (choice == nullptr) continue;
    const std::string place = choice->rule.text();
    auto rule = std::ranges::find(rules, place, &std::pair<std::string, Use>::first);
    if (rule == rules.end()) rule = rules.insert(rules.end(), {place, {}});
    Use &use = rule->second;
    use.observer = choice->observer;
    ++use.all;
    const std::string reason = idle_reason(working, handle);
    if (reason.empty()) continue;
    if (use.idle++ == 0) use.first_reason = reason;
  }
  std::vector<std::string> warnings;
  for (const auto &[place, use] : rules) {
    if (use.idle == 0) continue;
    const std::string told =
        fmt::format("{}: the observer '{}' of this rule has no range to find", place, use.observer);
    if (use.idle == use.all) fail(Status::kInvalidArgument, "{}: {}", told, use.first_reason);
    warnings.push_back(
        fmt::format("{} at {} of {} inputs and outputs; for instance, {}", told, use.idle, use.all, use.first_reason));
  }
  return warnings;
}

}  // namespace halftone::pipeline
