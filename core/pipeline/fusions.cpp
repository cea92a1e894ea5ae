#include "core/pipeline/fusions.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "core/base/error.h"
#include "core/base/nearest.h"
#include "core/pattern/missing.h"
#include "core/pipeline/fixed_scale.h"
#include "core/pipeline/fusion_configs.h"
#include "core/pipeline/fusion_replacement.h"
#include "core/pipeline/place_type.h"
#include "core/pipeline/platform_descriptor.h"
#include "halftone/fusion.h"

namespace halftone::pipeline {
namespace {

// Outputs of the root that something reads: what stands for the place has one.
bool has_several_outputs(const model::Model &model, Handle root) {
  const std::vector<Handle> &outputs = model.node(root).outputs;
  return std::ranges::count_if(outputs, [&](Handle output) {
           if (output == HT_NONE) return false;
           const model::Value &value = model.value(output);
           return value.is_output || !value.consumers.empty();
         }) > 1;
}

struct Count {
  std::size_t taken = 0;
  std::vector<std::pair<Handle, std::string>> refused;  // roots of what is no place, each with the first hindrance
  std::vector<Handle> untried;                          // roots of what may be one all the same

  // Of a match; one root may have several, of which the last may be a place.
  void judge(Handle root, const std::string &hindrance) {
    const auto known = std::ranges::find(refused, root, &std::pair<Handle, std::string>::first);
    if (hindrance.empty()) {
      ++taken;
      if (known != refused.end()) refused.erase(known);
    } else if (known == refused.end()) {
      refused.emplace_back(root, hindrance);
    }
  }
};

std::string line_of(const model::Model &model, const FusionSpec &fusion, const Count &count) {
  const std::size_t found = count.taken + count.refused.size();
  std::string line = fmt::format("{} {}", found, found == 1 ? "place" : "places");
  if (!count.refused.empty())
    line += fmt::format(" ({} not fused: {})", count.refused.size(), count.refused.front().second);
  if (!count.untried.empty()) {
    line += fmt::format("; not every way to lay the pattern before {} was tried: there are too many",
                        shown(model.node(count.untried.front())));
    if (count.untried.size() > 1) line += fmt::format(", as for {} more", count.untried.size() - 1);
  }
  if (found > 0) return line;
  for (const std::string &missing : pattern::missing_operators(model, fusion.pattern))
    line += "; the model has no " + missing;
  return line;
}

}  // namespace

std::vector<std::string> Fusions::names() const {
  std::vector<std::string> list;
  for (const FusionSpec &fusion : platform_.fusions) list.push_back(fusion.name);
  return list;
}

const FusionSpec &Fusions::spec(const FusionPlace &place) const {
  return *std::ranges::find(platform_.fusions, place.fusion, &FusionSpec::name);
}

const std::vector<FusionPlace> &Fusions::all(const model::Model &model) {
  if (!known_ || known_->model != &model || known_->revision != model.revision()) {
    known_.emplace();
    known_->model = &model;
    known_->revision = model.revision();
    known_->places = read_places(model, platform_.fusions);
    for (std::size_t i = 0; i < known_->places.size(); ++i) {
      for (const Handle node : known_->places[i].nodes) known_->by_node.emplace(node, i);
    }
  }
  return known_->places;
}

const FusionPlace *Fusions::place_of(const model::Model &model, Handle node) {
  if (platform_.fusions.empty()) return nullptr;
  const std::vector<FusionPlace> &places = all(model);
  const auto found = known_->by_node.find(node);
  return found == known_->by_node.end() ? nullptr : &places[found->second];
}

const FusionPlace &Fusions::required(const model::Model &model, Handle root) {
  const FusionPlace *place = place_of(model, root);
  if (place == nullptr || place->root(model) != root) {
    fail(Status::kNotFound, "node '{}' is no root of a place of a fusion", model.node(root).name);
  }
  return *place;
}

std::string Fusions::hindrance(const model::Model &model, const FusionSpec &fusion, const FusionPlace &place) const {
  const Handle root = place.root(model);
  if (has_several_outputs(model, root)) return shown(model.node(root)) + " has several outputs";
  const auto absent = [&](const std::string &name) {
    return name != fusion.output() && place.value(model, name) == HT_NONE;
  };
  for (const auto &[name, demand] : fusion.dtypes) {
    if (absent(name)) continue;
    const std::string type = type_in_place(platform_, model, fusion, place, name);
    const std::string why = type.empty() ? "is in float" : mismatch(demand, platform_.types.at(type).spec);
    if (!why.empty()) return fmt::format("{} of {} {}", name, shown(model.node(root)), why);
  }
  for (const auto &[name, point] : fusion.points) {
    if (!point.fixed || absent(name)) continue;
    const std::string type = type_in_place(platform_, model, fusion, place, name);
    const std::string why = type.empty() ? "and float exclude each other"
                                         : fixed_scale_fault(*point.fixed, type, platform_.types.at(type).spec);
    if (!why.empty()) return fmt::format("{} of {}: a fixed scale {}", name, shown(model.node(root)), why);
  }
  return {};
}

std::vector<std::string> Fusions::find(host::WorkingModel &working) {
  const model::Model &model = working.model;
  std::vector<pattern::Pattern> patterns;
  for (const FusionSpec &fusion : platform_.fusions) patterns.push_back(fusion.pattern);
  std::vector<Count> counts(patterns.size());
  std::vector<FusionPlace> noted = all(model);
  const auto accept = [&](const pattern::Match &match) {
    const auto known = [&](Handle node) { return place_of(model, node) != nullptr; };
    if (std::ranges::any_of(match.nodes, known)) return false;
    const FusionSpec &fusion = platform_.fusions[match.pattern];
    const std::string why = hindrance(model, fusion, pipeline::place_of(model, fusion, match));
    counts[match.pattern].judge(match.nodes.front(), why);
    return why.empty();
  };
  std::vector<pattern::Untried> untried;
  for (const pattern::Match &match : pattern::find(model, patterns, accept, &untried)) {
    const FusionSpec &fusion = platform_.fusions[match.pattern];
    noted.push_back(pipeline::place_of(model, fusion, match));
    note_norm_training(working.model, fusion, noted.back());
  }
  for (const pattern::Untried &open : untried) {
    if (place_of(model, open.root) == nullptr) counts[open.pattern].untried.push_back(open.root);
  }
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < counts.size(); ++i) lines.push_back(line_of(model, platform_.fusions[i], counts[i]));
  write_places(working.model, noted);
  return lines;
}

std::vector<Handle> Fusions::places(const host::WorkingModel &working, std::string_view name) {
  const std::vector<std::string> known = names();
  if (std::ranges::find(known, name) == known.end()) {
    fail(Status::kNotFound, "this run has no fusion '{}'{}; it has: {}", name, nearest_hint(name, known),
         fmt::join(known, ", "));
  }
  std::vector<Handle> roots;
  for (const FusionPlace &place : all(working.model)) {
    if (place.fusion == name && float_conflict(working, spec(place), place).empty())
      roots.push_back(place.root(working.model));
  }
  return roots;
}

std::vector<std::pair<std::string, std::string>> Fusions::left_out(const host::WorkingModel &working,
                                                                   std::string_view pass) {
  std::vector<std::pair<std::string, std::string>> lines;
  for (const FusionSpec &fusion : platform_.fusions) {
    const bool here = fusion.deployed ? pass == kDeployPass : pass == fusion.deploy_pass;
    std::size_t count = 0;
    std::string first;
    for (const FusionPlace &place : all(working.model)) {
      if (!here || place.fusion != fusion.name) continue;
      std::string why = float_conflict(working, fusion, place);
      if (!why.empty() && ++count == 1) first = std::move(why);
    }
    if (count == 0) continue;
    lines.emplace_back(fmt::format("fusion '{}'", fusion.name),
                       fmt::format("{} {} not deployed: {}", count, count == 1 ? "place" : "places", first));
  }
  return lines;
}

std::vector<Handle> Fusions::nodes(const host::WorkingModel &working, Handle root) {
  return required(working.model, root).alive(working.model);
}

Handle Fusions::value(const host::WorkingModel &working, Handle root, std::string_view name) {
  const FusionPlace &place = required(working.model, root);
  return name == spec(place).output() ? place.output : place.value(working.model, std::string(name));
}

std::vector<Handle> Fusions::pinned(const host::WorkingModel &working) {
  std::vector<Handle> configs;
  const auto add = [&](const FusionSpec &fusion, const FusionPlace &place, const std::string &name) {
    const std::vector<Handle> found = point_configs(working, fusion, place, name);
    configs.insert(configs.end(), found.begin(), found.end());
  };
  for (const FusionPlace &place : all(working.model)) {
    const FusionSpec &fusion = spec(place);
    for (const auto &[name, point] : fusion.points) {
      if (point.fixed) add(fusion, place, name);
    }
    if (fusion.observation == OutputScale::kOfInput) add(fusion, place, fusion.output());
  }
  return configs;
}

std::vector<std::vector<Handle>> Fusions::shares(const host::WorkingModel &working) {
  std::vector<std::vector<Handle>> groups;
  for (const FusionPlace &place : all(working.model)) {
    const FusionSpec &fusion = spec(place);
    for (const std::vector<std::string> &names : fusion.share) {
      std::vector<Handle> &group = groups.emplace_back();
      for (const std::string &name : names) {
        const std::vector<Handle> found = point_configs(working, fusion, place, name);
        group.insert(group.end(), found.begin(), found.end());
      }
      if (group.size() < 2) groups.pop_back();
    }
  }
  return groups;
}

std::vector<Handle> Fusions::replace(host::WorkingModel &working, Handle root, std::uint32_t form) {
  const FusionPlace place = required(working.model, root);
  const FusionSpec &fusion = spec(place);
  const std::optional<pattern::Pattern> &expression = form == HT_FUSION_FUSED ? fusion.fused : fusion.deployed;
  if (!expression || !float_conflict(working, fusion, place).empty()) return {};
  std::vector<FusionPlace> noted = all(working.model);
  std::vector<Handle> made;
  for (FusionPlace &other : noted) {
    if (other.output == place.output)
      made = replace_place(working, fusion, *expression, {folded_, form == HT_FUSION_FUSED}, other);
  }
  write_places(working.model, noted);
  return made;
}

}  // namespace halftone::pipeline
