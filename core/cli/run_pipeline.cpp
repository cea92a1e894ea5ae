#include "core/cli/run_pipeline.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <mutex>
#include <optional>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/cli/command.h"
#include "core/cli/console.h"
#include "core/cli/figures.h"
#include "core/cli/plan_table.h"
#include "core/cli/run_report.h"
#include "core/cli/run_setup.h"
#include "core/pipeline/comparison.h"
#include "core/pipeline/model_cost.h"
#include "core/pipeline/platform_lookup.h"
#include "core/pipeline/runner.h"

namespace halftone::cli {

namespace po = boost::program_options;

void add_run_options(po::options_description &options) {
  options.add_options()("dry-run", "check the file, the model and the data, print the plan, compute nothing")(
      "json", po::value<std::string>()->value_name("FILE"), "write the figures as JSON")("quiet,q",
                                                                                         "print errors only");
  add_plugin_options(options);
}

void add_plugin_options(po::options_description &options) {
  options.add_options()("trust", po::value<std::vector<std::string>>()->composing()->value_name("[NAME=]LEVEL"),
                        "how a pass, exporter or reader is run, or all of them: trusted, checked or isolated")(
      "on-plugin-failure", po::value<std::string>()->value_name("stop|skip"),
      "whether the run ends when a pass fails, or goes on without it")(
      "plugin-timeout", po::value<std::string>()->value_name("SECONDS"),
      "how long an isolated plug-in may be silent; 0: for ever")(
      "reproducer", po::value<std::string>()->value_name("FOLDER"), "where to write what shows a failed pass again");
}

void read_plugin_options(const po::variables_map &values, pipeline::PipelineSpec &spec) {
  pipeline::choose_trust(texts_of(values, "trust"), text_of(values, "on-plugin-failure"),
                         text_of(values, "plugin-timeout"), spec.plugins);
  if (const std::string folder = text_of(values, "reproducer"); !folder.empty()) spec.plugins.reproducer = folder;
}

RunOptions run_options(const po::variables_map &values) {
  RunOptions options;
  options.quiet = values.count("quiet") != 0;
  options.dry_run = values.count("dry-run") != 0;
  options.json = text_of(values, "json");
  return options;
}

namespace {

// Which nodes will be quantized at all, and who says so. A pass that names its own method shows it among its
// parameters.
void print_dispatcher(const pipeline::DispatchSpec &dispatch, const pipeline::PlatformDescriptor &platform) {
  const Setting *method = platform.option("dispatcher");
  const std::string name = method == nullptr ? "allin" : method->text;
  std::string from = method == nullptr ? "no other is named" : "the platform's";
  if (!dispatch.method.empty()) from = dispatch.where.text();
  std::printf("dispatcher %s (%s)%s\n", name.c_str(), from.c_str(),
              dispatch.table.empty() ? "" : fmt::format(", {} exceptions", dispatch.table.size()).c_str());
}

void print_plan(const pipeline::Runner &runner) {
  if (const pipeline::PlatformDescriptor *platform = runner.platform()) {
    std::printf("platform %s\n", pipeline::platform_text(*platform).c_str());
    for (const std::string &note : platform->notes) std::printf("  %s\n", note.c_str());
    print_dispatcher(runner.spec().dispatch, *platform);
  }
  std::fputs(plan_table(runner).text().c_str(), stdout);
}

// A plan that was too small is a fault of ours, which the user should know of.
void warn_above_budget(const pipeline::Runner &runner, Progress &progress) {
  const auto budget = runner.spec().calibration.memory_budget;
  if (!budget || peak_memory() <= *budget) return;
  progress.note(fmt::format("halftone: warning: the run took {}, more than its memory budget of {}; please report this",
                            bytes_text(peak_memory()), bytes_text(*budget)));
}

// Keeps what a run warns of for the report. Sorted and each once: components may warn from several threads, and every
// pass over the data tells of the same bad samples.
class ToldWarnings {
 public:
  // To live longer than the sinks.
  void listen(host::RunSinks &sinks) {
    sinks.log = [this, tell = std::move(sinks.log)](const host::LogLine &line) {
      tell(line);
      if (line.level < HT_LOG_WARNING) return;
      const std::scoped_lock lock(mutex_);
      texts_.insert(line.text);
    };
  }
  std::set<std::string> take() {
    const std::scoped_lock lock(mutex_);
    return std::move(texts_);
  }

 private:
  std::mutex mutex_;
  std::set<std::string> texts_;
};

// What the run prints at its end.
Table summary_of(const pipeline::Runner &runner, const RunFigures &run) {
  Table table({"figure", "value"});
  table.add({"platform", runner.platform() == nullptr ? "" : pipeline::platform_text(*runner.platform())});
  if (run.evaluation) add_evaluation(*run.evaluation, "int8", table);
  if (const auto cost = pipeline::model_cost(runner)) table.add({"cost", pipeline::cost_text(*cost)});
  for (const std::uint64_t after : run.exported_bytes) {
    table.add(
        {"size", fmt::format("{} -> {} ({:.2f}x smaller)", bytes_text(run.float_bytes), bytes_text(after),
                             after == 0 ? 0.0 : static_cast<double>(run.float_bytes) / static_cast<double>(after))});
  }
  table.add({"time", seconds_text(run.seconds)});
  table.add({"peak memory", bytes_text(run.peak_memory)});
  for (const pipeline::StepReport &report : run.steps) {
    if (!report.failure.empty()) table.add({"left out", fmt::format("pass {}, which failed", report.id)});
  }
  for (const pipeline::ExportStep &step : runner.spec().exports) table.add({"written", step.path});
  if (!runner.spec().report.empty()) table.add({"written", runner.spec().report});
  for (const std::filesystem::path &file : runner.artefact_files()) table.add({"written", file.string()});
  return table;
}

}  // namespace

int run_pipeline(const host::Registry &registry, pipeline::PipelineSpec spec, const RunOptions &options) {
  const auto start = std::chrono::steady_clock::now();
  Progress progress(options.quiet);
  ToldWarnings told;
  pipeline::RunEvents events = run_events(progress);
  told.listen(events.sinks);
  spec.figures_out = options.json;
  pipeline::Runner runner(registry, std::move(spec), events);
  show_warnings(runner.warnings(), progress);
  pipeline::TestData test = pipeline::open_test(runner.registry(), runner);
  if (options.dry_run) {
    print_plan(runner);
    return kExitOk;
  }
  RunFigures run;
  run.steps = runner.run_passes();
  if (runner.spec().calibration.memory_budget) return_free_memory();  // of the data pass, before the export needs it
  run.exported_bytes = runner.prepare_exports();
  run.float_bytes = runner.original_bytes();
  run.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  run.peak_memory = peak_memory();  // of the quantization itself, before the evaluation

  if (test.dataset) {
    progress.begin(0, 1, "evaluate");
    run.evaluation = pipeline::compare(runner.registry(), runner, std::move(test), events.sinks);
    progress.end(fmt::format(": {} samples ({:.2f} s)", run.evaluation->samples, run.evaluation->seconds));
  }
  const Table table = summary_of(runner, run);
  warn_above_budget(runner, progress);
  run.warnings = told.take();
  runner.commit_outputs(pipeline::figures_of(runner, run).dump(1) + "\n",
                        runner.spec().report.empty() ? "" : run_report(runner, run));
  if (!options.quiet) std::fputs(table.text().c_str(), stdout);
  return kExitOk;
}

}  // namespace halftone::cli
