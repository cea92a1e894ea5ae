#include "core/cli/profile_report.h"

#include <algorithm>
#include <map>
#include <tuple>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

namespace halftone::cli {

namespace {

std::string type_of(const model::Model &m, const host::StepTime &step) {
  switch (step.kind) {
    case HT_STEP_NODE:
      return step.node == HT_NONE ? "(other)" : m.node(step.node).op_type;
    case HT_STEP_REORDER:
      return "(reorder)";
    case HT_STEP_QUANTIZE:
      return "(quantize)";
    case HT_STEP_INPUT:
      return "(input)";
    case HT_STEP_EMIT:
      return "(output)";
    default:
      return "(other)";
  }
}

ProfileRow row_of(const model::Model &m, const host::StepTime &step) {
  ProfileRow row;
  const bool of_value = step.kind != HT_STEP_NODE && step.value != HT_NONE;
  row.name = of_value ? m.value(step.value).name : step.node == HT_NONE ? "" : m.node(step.node).name;
  row.type = type_of(m, step);
  row.how = step.how;
  if (step.kind == HT_STEP_REORDER && step.node != HT_NONE) {
    row.how += fmt::format("{}for {}", row.how.empty() ? "" : ", ", m.node(step.node).name);
  }
  return row;
}

std::string share_text(double part, double whole) {
  return whole > 0 ? fmt::format("{:.1f} %", 100 * part / whole) : "-";
}

}  // namespace

ProfileReport profile_report(const model::Model &model, const std::vector<host::StepTime> &steps,
                             std::uint64_t samples) {
  ProfileReport report;
  const double unit = samples == 0 ? 0 : 1e-9 / static_cast<double>(samples);
  std::map<std::tuple<std::uint32_t, model::Handle, model::Handle, std::string>, std::size_t> known;
  std::map<std::string, ProfileType> types;
  for (const host::StepTime &step : steps) {
    const double seconds = unit * static_cast<double>(step.nanoseconds);
    const auto [at, is_new] = known.try_emplace({step.kind, step.node, step.value, step.how}, report.rows.size());
    ProfileRow row = row_of(model, step);
    std::string type = row.type;
    for (const model::Handle fused : step.fused) type += "+" + model.node(fused).op_type;
    if (is_new) {
      const std::string name = row.name;
      report.rows.push_back(std::move(row));
      for (const model::Handle fused : step.fused)
        report.rows.push_back({model.node(fused).name, model.node(fused).op_type, "", name, 0, 0});
      ++types[type].steps;
    }
    report.rows[at->second].seconds += seconds;
    report.rows[at->second].runs += step.runs;
    types[type].type = type;
    types[type].seconds += seconds;
    report.seconds += seconds;
  }
  for (auto &[name, type] : types) report.types.push_back(std::move(type));
  std::ranges::stable_sort(report.types, std::ranges::greater(), &ProfileType::seconds);
  return report;
}

std::string milliseconds_text(double seconds) {
  return fmt::format("{:.3f} ms", 1000 * seconds);
}

Table node_table(const ProfileReport &report) {
  Table table({"node or value", "operator", "time", "share", "how"});
  for (const ProfileRow &row : report.rows) {
    if (row.inside.empty()) {
      table.add({row.name, row.type, milliseconds_text(row.seconds), share_text(row.seconds, report.seconds), row.how});
    } else {
      table.add({"  " + row.name, row.type, "", "", "inside " + row.inside});
    }
  }
  return table;
}

Table type_table(const ProfileReport &report) {
  Table table({"operator", "steps", "time", "share"});
  for (const ProfileType &type : report.types) {
    table.add({type.type, std::to_string(type.steps), milliseconds_text(type.seconds),
               share_text(type.seconds, report.seconds)});
  }
  table.add({"all", "", milliseconds_text(report.seconds), ""});
  return table;
}

void add_profile(const ProfileReport &report, nlohmann::ordered_json &figures) {
  auto &steps = figures["steps"] = nlohmann::ordered_json::array();
  for (const ProfileRow &row : report.rows) {
    nlohmann::ordered_json entry = {{"name", row.name}, {"type", row.type}};
    if (row.inside.empty()) {
      entry["how"] = row.how;
      entry["milliseconds"] = 1000 * row.seconds;
      entry["runs"] = row.runs;
    } else {
      entry["inside"] = row.inside;
    }
    steps.push_back(std::move(entry));
  }
  auto &types = figures["types"] = nlohmann::ordered_json::array();
  for (const ProfileType &type : report.types)
    types.push_back({{"type", type.type}, {"steps", type.steps}, {"milliseconds", 1000 * type.seconds}});
  figures["milliseconds_of_steps"] = 1000 * report.seconds;
}

}  // namespace halftone::cli
