// Statistics of samples in memory, for runs later.
#include <chrono>

#include <nlohmann/json.hpp>

#include "core/api/failure.h"
#include "core/api/run_request.h"
#include "core/api/text.h"
#include "core/base/file.h"
#include "core/base/file_lock.h"
#include "core/base/process_memory.h"
#include "core/pipeline/calibrate.h"
#include "core/pipeline/named.h"
#include "core/pipeline/platform_lookup.h"
#include "core/pipeline/run_files.h"

namespace halftone::api {

namespace {

// The pipeline as it stands, or its model and samples for each platform.
std::vector<pipeline::PipelineSpec> specs_of(const host::Registry &registry, const pipeline::PipelineSpec &base,
                                             std::vector<std::string> platforms) {
  if (base.calibration.inputs.empty())
    fail(Status::kInvalidArgument, "there are no samples to calibrate on; give some");
  if (platforms.empty() && (base.passes || !base.platform.empty())) return {base};
  if (platforms.empty()) platforms = pipeline::platform_names(registry);
  std::vector<pipeline::PipelineSpec> specs;
  for (const std::string &platform : platforms) {
    specs.push_back(base);
    specs.back().platform = platform;
    specs.back().platform_settings = {};
  }
  return specs;
}

void check_files(const pipeline::PipelineSpec &spec, const host::Registry &registry, const std::string &output) {
  pipeline::RunFiles files;
  files.reads(spec.model, "input model");
  files.reads(spec.where.file, "pipeline file");
  files.reads(spec.calibration);
  files.reads(registry);
  files.writes(output);
  files.check();
  pipeline::require_writable(output);
}

nlohmann::ordered_json figures_of(const calibration::StatisticsFile &file, std::uint64_t bytes) {
  std::uint64_t samples = 0, values = 0;
  for (const calibration::Collected &collected : file.collections) {
    samples = std::max(samples, collected.collection.samples);
    values += collected.collection.values.size();
  }
  return {{"samples", samples}, {"values", values}, {"bytes", bytes}};
}

void calibrate(const Engine &engine, const ht_run_options &options, const std::vector<std::string> &platforms,
               const std::string &output, ht_text **figures) {
  const auto start = std::chrono::steady_clock::now();
  const auto in_use = engine.in_use();
  const host::Registry &registry = engine.registry();
  pipeline::require_statistics_name(output);
  RunRequest request = run_request(engine, options);
  pipeline::CalibratePlan plan;
  plan.pipelines = specs_of(registry, request.spec, platforms);
  plan.model = request.model ? &*request.model : nullptr;
  check_files(plan.pipelines.front(), registry, output);
  const FileLock lock(output);
  Listening listening(engine, options.stop);
  listening.step("calibrate");
  pipeline::RunEvents events;
  events.sinks = listening.sinks();
  const calibration::StatisticsFile file = pipeline::calibrate(registry, plan, events).file;
  const std::string bytes = calibration::to_bytes(file);
  nlohmann::ordered_json told = figures_of(file, bytes.size());
  told["seconds"] = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  told["peak_memory_bytes"] = peak_memory();
  told["written"] = output;
  const std::string text = told.dump(1) + "\n";
  write_file_atomically(output, bytes);
  give_text(text, figures);
}

}  // namespace

}  // namespace halftone::api

using namespace halftone;

ht_status HT_CALL ht_calibrate(ht_engine *engine, const ht_run_options *options, const char *const *platforms,
                               std::uint64_t platform_count, const char *path, ht_text **figures) {
  return api::guarded([&] {
    api::require_given(engine, "engine");
    api::require_given(options, "options");
    api::require_given(path, "path");
    if (platform_count != 0) api::require_given(platforms, "platforms");
    std::vector<std::string> names;
    for (std::uint64_t i = 0; i < platform_count; ++i) names.push_back(api::text_or_empty(platforms[i]));
    api::calibrate(*engine->engine, api::options_of(options), names, path, figures);
  });
}
