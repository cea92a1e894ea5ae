#include "core/cli/run_setup.h"

#include "core/base/error.h"
#include "core/cli/command.h"
#include "core/cli/evaluation_mode.h"
#include "core/model/onnx_io.h"
#include "core/pipeline/model_to_run.h"
#include "core/pipeline/named.h"
#include "core/pipeline/run_files.h"

namespace halftone::cli {

namespace {

std::string step_line(const pipeline::StepReport &report) {
  if (!report.failure.empty()) return ": failed and left out";
  std::string line;
  for (const auto &[key, value] : report.rows) line += fmt::format("{} {} {}", line.empty() ? ":" : ",", key, value);
  return fmt::format("{} ({:.2f} s)", line, report.seconds);
}

}  // namespace

pipeline::RunEvents run_events(Progress &progress) {
  pipeline::RunEvents events;
  events.sinks = progress.sinks();
  events.step_begins = [&progress](const pipeline::PlannedStep &step, std::size_t index, std::size_t count) {
    progress.begin(index, count, std::string(step.component->id()));
  };
  events.step_ended = [&progress](const pipeline::StepReport &report) { progress.end(step_line(report)); };
  return events;
}

void show_warnings(const std::vector<std::string> &warnings, Progress &progress) {
  for (const std::string &warning : warnings) progress.note("halftone: warning: " + warning);
}

void report_skipped(std::uint64_t samples, const std::vector<std::string> &skipped, const std::string &done,
                    const host::RunSinks &sinks) {
  if (samples == 0) {
    fail(Status::kDataLoss, "no sample could be {}; the first was refused because: {}", done,
         skipped.empty() ? "(none was read)" : skipped.front());
  }
  if (skipped.empty() || !sinks.log) return;
  sinks.log({HT_LOG_WARNING, fmt::format("skipped {} of {} samples that were to be {}; the first because: {}",
                                         skipped.size(), skipped.size() + samples, done, skipped.front())});
}

namespace {

const host::Component &executor_named(const host::Registry &registry, const std::string &id) {
  return pipeline::named_component(registry, HT_KIND_EXECUTOR, id);
}

}  // namespace

Engine::Engine(const boost::program_options::variables_map &values, host::Mode mode)
    : registry_(open_registry(values)),
      kernels_(registry_),
      settings_(arithmetic_of(registry_, executor_named(registry_, text_of(values, "executor")), mode,
                              text_of(values, "platform"))),
      executor_(executor_named(registry_, text_of(values, "executor")), &settings_, context_) {}

ModelFile read_model_file(const std::string &path, const Engine &engine, Progress &progress) {
  model::ImportResult imported = pipeline::read_model_to_run(path, engine.kernels());
  show_warnings(imported.warnings, progress);
  ModelFile file;
  file.working.model = std::move(imported.model);
  file.external_files = std::move(imported.external_files);
  return file;
}

}  // namespace halftone::cli
