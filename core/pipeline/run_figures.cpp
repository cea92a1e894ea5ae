#include "core/pipeline/run_figures.h"

#include <filesystem>

#include <nlohmann/json.hpp>

#include "core/host/arguments.h"
#include "core/pipeline/evaluation_json.h"
#include "core/pipeline/model_cost.h"
#include "core/pipeline/platform_lookup.h"

namespace halftone::pipeline {

using Json = nlohmann::ordered_json;

Json figures_of(const Runner &runner, const RunFigures &run) {
  Json figures;
  figures["platform"] = runner.spec().platform;
  if (run.evaluation) add_figures(*run.evaluation, figures);
  if (const auto cost = model_cost(runner)) add_figures(*cost, figures);
  for (const std::uint64_t after : run.exported_bytes) {
    figures["float_bytes"] = run.float_bytes;
    figures["quantized_bytes"] = after;
  }
  figures["seconds"] = run.seconds;
  figures["peak_memory_bytes"] = run.peak_memory;
  for (const StepReport &report : run.steps) {
    Json step{{"pass", report.id}, {"seconds", report.seconds}};
    if (!report.failure.empty()) step["left_out"] = report.failure;
    for (const auto &[key, text] : report.rows) step["reported"][key] = text;
    figures["steps"].push_back(std::move(step));
  }
  for (const ExportStep &step : runner.spec().exports) figures["written"].push_back(step.path);
  if (!runner.spec().report.empty()) figures["written"].push_back(runner.spec().report);
  for (const std::filesystem::path &file : runner.artefact_files()) figures["written"].push_back(file.string());
  for (const std::string &warning : runner.warnings()) figures["warnings"].push_back(warning);
  for (const std::string &warning : run.warnings) figures["warnings"].push_back(warning);
  return figures;
}

Json plan_of(const Runner &runner) {
  Json plan;
  if (const PlatformDescriptor *platform = runner.platform()) {
    plan["platform"] = platform_text(*platform);
    plan["notes"] = platform->notes;
  }
  plan["executor"] = runner.spec().executor;
  plan["warnings"] = runner.warnings();
  plan["steps"] = Json::array();
  for (const PlannedStep &step : runner.plan()) {
    const ht_component &d = *step.component->description;
    const host::Arguments arguments(d.params, d.param_count, &step.settings, std::string(step.component->id()));
    plan["steps"].push_back({{"pass", step.component->id()},
                             {"parameters", arguments.canonical()},
                             {"where", step.where.line == 0 ? std::string() : step.where.text()},
                             {"inserted", step.inserted}});
  }
  return plan;
}

}  // namespace halftone::pipeline
