#include "core/pipeline/plan.h"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/ranges.h>

#include "core/base/error.h"
#include "core/pipeline/named.h"
#include "halftone/target.h"

namespace halftone::pipeline {

namespace {

std::vector<std::string> facts(const char *const *list, std::uint64_t count) {
  return {list, list + count};
}

class Planner {
 public:
  Planner(const host::Registry &registry, bool platform, const std::set<std::string> &holding)
      : registry_(registry), platform_(platform), holds_(holding) {}

  void add(const PassStep &step) {
    const host::Component *component = &named_component(registry_, HT_KIND_PASS, step.id, step.where);
    require_platform(*component, step.where);  // before what is supplied for it, which nobody named
    for (const std::string &fact : facts(component->description->after, component->description->after_count)) {
      if (!holds_.contains(fact)) supply(fact, step, *component);
    }
    append({component, step.settings, step.where, false});
  }

  // What was established and then destroyed must have been established again: nobody else would notice.
  void finish() const {
    for (const auto &[fact, destroyer] : destroyed_by_) {
      if (holds_.contains(fact)) continue;
      fail(Status::kInvalidArgument,
           "{}pass '{}' makes '{}' invalid, and nothing after it establishes that again; put it before {} or run {} "
           "again",
           place(destroyer.where), destroyer.id, fact, established_by_.at(fact), established_by_.at(fact));
    }
  }

  std::vector<PlannedStep> plan;

 private:
  struct Destroyer {
    std::string id;
    Location where;
  };

  void require_platform(const host::Component &component, const Location &where) const {
    const ht_component &d = *component.description;
    if (platform_ || std::ranges::count(facts(d.needs, d.need_count), HT_TARGET_1) == 0) return;
    fail(Status::kInvalidArgument,
         "{}pass '{}' needs a platform and the pipeline names none; add `platform:` (`halftone platforms` lists them)",
         place(where), d.id);
  }

  void append(PlannedStep step) {
    require_platform(*step.component, step.where);
    const ht_component &d = *step.component->description;
    for (const std::string &fact : facts(d.invalidates, d.invalidate_count)) {
      if (holds_.erase(fact) != 0) destroyed_by_[fact] = {d.id, step.where};
    }
    for (const std::string &fact : facts(d.provides, d.provide_count)) {
      holds_.insert(fact);
      established_by_[fact] = d.id;
    }
    plan.push_back(std::move(step));
  }

  // Of several the one that needs less than each other one: what a run can always give is no choice of somebody's. Null
  // where there is none.
  static const host::Component *simplest(const std::vector<const host::Component *> &candidates) {
    const auto needs_of = [](const host::Component *c) {
      return facts(c->description->needs, c->description->need_count);
    };
    const auto needs_less = [&](const host::Component *a, const host::Component *b) {
      const std::vector<std::string> own = needs_of(a), other = needs_of(b);
      return own.size() < other.size() &&
             std::ranges::all_of(own, [&](const std::string &need) { return std::ranges::count(other, need) != 0; });
    };
    for (const host::Component *a : candidates) {
      if (std::ranges::all_of(candidates, [&](const host::Component *b) { return a == b || needs_less(a, b); }))
        return a;
    }
    return nullptr;
  }

  // Puts the only pass that provides `fact` in front, or the simplest, unless it was there already and something
  // destroyed the fact.
  void supply(const std::string &fact, const PassStep &step, const host::Component &needs) {
    std::vector<std::string> providers;
    std::vector<const host::Component *> candidates;
    for (const host::Component *candidate : registry_.all(HT_KIND_PASS)) {
      for (const std::string &provided :
           facts(candidate->description->provides, candidate->description->provide_count)) {
        if (provided != fact) continue;
        providers.emplace_back(candidate->id());
        candidates.push_back(candidate);
      }
    }
    const std::string where = step.where.line == 0 ? "" : step.where.text() + ": ";
    const auto destroyed = destroyed_by_.find(fact);
    if (destroyed != destroyed_by_.end()) {
      fail(Status::kInvalidArgument,
           "{}pass '{}' needs '{}', which pass '{}' before it made invalid; run {} again in between", where, needs.id(),
           fact, destroyed->second.id, fmt::join(providers, " or "));
    }
    if (providers.empty()) {
      fail(Status::kInvalidArgument, "{}pass '{}' needs '{}', and no loaded pass provides it", where, needs.id(), fact);
    }
    const host::Component *only = simplest(candidates);
    if (only == nullptr) {
      fail(Status::kInvalidArgument, "{}pass '{}' needs '{}'; put one of {} before it", where, needs.id(), fact,
           fmt::join(providers, ", "));
    }
    if (!pending_.insert(fact).second) {
      fail(Status::kInvalidArgument, "{}pass '{}' and what provides '{}' need each other", where, needs.id(), fact);
    }
    for (const std::string &first : facts(only->description->after, only->description->after_count)) {
      if (!holds_.contains(first)) supply(first, step, *only);
    }
    pending_.erase(fact);
    append({only, {}, step.where, true});
  }

  const host::Registry &registry_;
  bool platform_;
  std::set<std::string> holds_, pending_;
  std::map<std::string, Destroyer> destroyed_by_;
  std::map<std::string, std::string> established_by_;
};

}  // namespace

std::vector<PlannedStep> make_plan(const host::Registry &registry, const std::vector<PassStep> &passes, bool platform,
                                   const std::set<std::string> &holding) {
  Planner planner(registry, platform, holding);
  for (const PassStep &step : passes) planner.add(step);
  if (holding.empty()) planner.finish();  // a part of a run need not leave what the whole does
  return std::move(planner.plan);
}

}  // namespace halftone::pipeline
