// `halftone calibrate`: statistics that are kept for later runs.
#include <charconv>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>

#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/file_lock.h"
#include "core/cli/command.h"
#include "core/cli/console.h"
#include "core/cli/data_options.h"
#include "core/cli/run_pipeline.h"
#include "core/cli/statistics_report.h"
#include "core/pipeline/calibrate.h"
#include "core/pipeline/named.h"
#include "core/pipeline/platform_lookup.h"
#include "core/pipeline/preset.h"
#include "core/pipeline/run_files.h"

namespace halftone::cli {

namespace po = boost::program_options;

namespace {

constexpr const char *kCalibrateUsage = "MODEL --calibration PATH -o FILE.htstats [options]";

po::options_description options_of_calibrate() {
  po::options_description options("options");
  options.add_options()("model", po::value<std::string>()->value_name("FILE"),
                        "the float ONNX model, or a pipeline file that names model, data and passes")(
      "calibration,c", po::value<std::vector<std::string>>()->composing()->value_name("[INPUT=]PATH"),
      "sample inputs; once for each model input")("output,o", po::value<std::string>()->value_name("FILE"),
                                                  "the statistics file, NAME.htstats")(
      "observe-for", po::value<std::vector<std::string>>()->composing()->value_name("PLATFORM"),
      "collect what this platform asks for; may be repeated (default: every platform there is)")(
      "preset", po::value<std::string>()->value_name("NAME"), "passes from a preset instead of the platforms' own")(
      "executor", po::value<std::string>()->default_value("onednn")->value_name("NAME"), "what computes")(
      "shard", po::value<std::string>()->value_name("K/N"),
      "only the K-th of N parts of the samples; `halftone merge` joins them")(
      "checkpoint-every", po::value<std::string>()->value_name("N"),
      "keep the state after every N samples (default: about every ten seconds)")(
      "resume", "go on from the checkpoint of an interrupted run, where there is one")(
      "json", po::value<std::string>()->value_name("FILE"), "write the figures as JSON")("quiet,q",
                                                                                         "print errors only");
  add_plugin_options(options);
  add_data_options(options);
  return options;
}

bool parse_number(std::string_view text, std::uint64_t &value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

pipeline::Shard parse_shard(const std::string &text) {
  constexpr std::uint64_t kMost = 1U << 20;
  pipeline::Shard shard;
  if (text.empty()) return shard;
  const std::size_t slash = text.find('/');
  const bool numbers = slash != std::string::npos &&
                       parse_number(std::string_view(text).substr(0, slash), shard.number) &&
                       parse_number(std::string_view(text).substr(slash + 1), shard.count);
  if (!numbers || shard.number < 1 || shard.number > shard.count || shard.count > kMost) {
    fail(Status::kInvalidArgument, "--shard must be K/N with K from 1 to N, such as 2/3, not '{}'", text);
  }
  return shard;
}

std::uint64_t parse_interval(const std::string &text) {
  std::uint64_t value = 0;
  if (!text.empty() && (!parse_number(text, value) || value == 0)) {
    fail(Status::kInvalidArgument, "--checkpoint-every must be a whole number of samples from 1 on, not '{}'", text);
  }
  return value;
}

// What only the command line of a model says has no effect beside a pipeline file.
pipeline::PipelineSpec spec_of_file(const po::variables_map &values, const std::string &file) {
  for (const char *name : {"calibration", "observe-for", "preset", "preprocess", "reader", "reader-setting", "limit",
                           "batch", "threads", "memory-budget", "on-bad-sample"}) {
    if (values.count(name) != 0)
      fail(Status::kInvalidArgument, "--{} has no effect beside a pipeline file; write it in '{}'", name, file);
  }
  if (!values["executor"].defaulted())
    fail(Status::kInvalidArgument, "--executor has no effect beside a pipeline file; write it in '{}'", file);
  pipeline::PipelineSpec spec = pipeline::read_pipeline(file, {});
  if (spec.calibration.inputs.empty())
    fail(Status::kInvalidArgument, "{}: `calibration` names no samples to calibrate on", spec.where.text());
  return spec;
}

std::vector<pipeline::PipelineSpec> specs_of_options(const po::variables_map &values, const host::Registry &registry,
                                                     const std::string &model) {
  const std::vector<std::string> calibration = texts_of(values, "calibration");
  if (calibration.empty())
    fail(Status::kInvalidArgument, "no samples are named: give --calibration PATH; usage: halftone calibrate {}",
         kCalibrateUsage);
  pipeline::PipelineSpec base;
  base.model = model;
  base.calibration = data_spec(values, calibration);
  base.executor = text_of(values, "executor");
  std::vector<std::string> platforms = texts_of(values, "observe-for");
  const std::string preset = text_of(values, "preset");
  if (!preset.empty()) {
    if (!platforms.empty()) base.platform = platforms.front();
    apply_preset(preset, base);
    if (platforms.empty() && !base.platform.empty()) platforms = {base.platform};
  }
  if (platforms.empty()) platforms = pipeline::platform_names(registry);
  std::vector<pipeline::PipelineSpec> specs;
  for (const std::string &platform : platforms) {
    specs.push_back(base);
    specs.back().platform = platform;
  }
  return specs;
}

// The files that the run reads and writes, checked before anything is computed.
void check_files(const pipeline::CalibratePlan &plan, const host::Registry &registry, const std::string &output,
                 const std::string &json) {
  pipeline::RunFiles files;
  files.reads(plan.pipelines.front().model, "input model");
  files.reads(plan.pipelines.front().where.file, "pipeline file");
  files.reads(plan.pipelines.front().calibration);
  files.reads(registry);
  for (const std::string &path : {output, plan.checkpoint.string(), json}) files.writes(path);
  files.check();
  pipeline::require_writable(output);
  if (!json.empty()) pipeline::require_writable(json);
}

pipeline::CalibrateResult run_calibration(const host::Registry &registry, const pipeline::CalibratePlan &plan,
                                          const pipeline::RunEvents &events) {
  try {
    return pipeline::calibrate(registry, plan, events);
  } catch (Error &error) {
    if (error.status() == Status::kCancelled && std::filesystem::exists(plan.checkpoint))
      error.note("what was done is kept in '" + plan.checkpoint.string() + "'; --resume goes on from it");
    throw;
  }
}

// The figures as a table and as JSON.
struct Figures {
  Table table{{"figure", "value"}};
  nlohmann::ordered_json json;
  template <class Value>
  void add(const char *name, const char *key, const std::string &text, const Value &value) {
    table.add({name, text});
    json[key] = value;
  }
};

Figures figures_of(const pipeline::CalibrateResult &result, std::uint64_t bytes, double seconds) {
  std::uint64_t samples = 0, values = 0;
  for (const calibration::Collected &collected : result.file.collections) {
    samples = std::max(samples, collected.collection.samples);
    values += collected.collection.values.size();
  }
  Figures figures;
  figures.add("samples", "samples", std::to_string(samples), samples);
  if (result.resumed_at != 0)
    figures.add("from the checkpoint", "resumed_at", std::to_string(result.resumed_at), result.resumed_at);
  figures.add("values", "values", std::to_string(values), values);
  figures.add("size", "bytes", bytes_text(bytes), bytes);
  figures.add("time", "seconds", seconds_text(seconds), seconds);
  figures.add("peak memory", "peak_memory_bytes", bytes_text(peak_memory()), peak_memory());
  return figures;
}

}  // namespace

int command_calibrate(const std::vector<std::string> &arguments) {
  const auto start = std::chrono::steady_clock::now();
  const po::options_description options = options_of_calibrate();
  po::positional_options_description positional;
  positional.add("model", 1);
  po::variables_map values;
  if (!parse_arguments("calibrate", kCalibrateUsage, options, positional, arguments, values)) return kExitOk;
  const std::string model = text_of(values, "model"), output = text_of(values, "output"),
                    json = text_of(values, "json");
  if (model.empty()) fail(Status::kInvalidArgument, "no model is named; usage: halftone calibrate {}", kCalibrateUsage);
  pipeline::require_statistics_name(output);
  pipeline::CalibratePlan plan;
  plan.shard = parse_shard(text_of(values, "shard"));
  plan.checkpoint_every = parse_interval(text_of(values, "checkpoint-every"));
  plan.resume = values.count("resume") != 0;
  plan.checkpoint = output + ".partial";
  const host::Registry registry = open_registry(values);
  plan.pipelines =
      is_pipeline_file(model) ? std::vector{spec_of_file(values, model)} : specs_of_options(values, registry, model);
  for (pipeline::PipelineSpec &spec : plan.pipelines) read_plugin_options(values, spec);
  check_files(plan, registry, output, json);
  const FileLock lock(output);  // two runs would share a checkpoint, and the later result would replace the other

  const bool quiet = values.count("quiet") != 0;
  Progress progress(quiet);
  progress.begin(0, 1, "calibrate");
  pipeline::RunEvents events;
  events.sinks = progress.sinks();
  const pipeline::CalibrateResult result = run_calibration(registry, plan, events);
  const std::string bytes = calibration::to_bytes(result.file);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  progress.end(fmt::format(" ({:.2f} s)", seconds));
  Figures figures = figures_of(result, bytes.size(), seconds);
  figures.add("written", "written", output, output);
  const std::unique_ptr<AtomicFile> figures_file = finished_file(json, figures.json.dump(1) + "\n");
  write_file_atomically(output, bytes);
  if (figures_file) figures_file->commit();
  std::error_code ignored;  // the result is safe; a checkpoint that stays is told by the next run
  std::filesystem::remove(plan.checkpoint, ignored);
  if (!quiet) std::fputs(figures.table.text().c_str(), stdout);
  return kExitOk;
}

}  // namespace halftone::cli
