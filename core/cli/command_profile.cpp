// `halftone profile`: how long a float model takes, and which of its nodes take how much of that.
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>

#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/calibration/sample_flow.h"
#include "core/cli/command.h"
#include "core/cli/console.h"
#include "core/cli/data_options.h"
#include "core/cli/evaluation_mode.h"
#include "core/cli/profile_report.h"
#include "core/cli/profile_runs.h"
#include "core/cli/run_setup.h"
#include "core/pipeline/compared_models.h"
#include "core/pipeline/float32_form.h"
#include "core/pipeline/free_batch.h"
#include "core/pipeline/named.h"
#include "core/pipeline/run_files.h"
#include "core/pipeline/runner.h"

namespace halftone::cli {

namespace po = boost::program_options;

namespace {

constexpr const char *kProfileUsage = "MODEL [--data PATH] [--runs N] [--threads N] [options]";
constexpr std::uint32_t kRandomSamples = 4;
constexpr std::uint64_t kStoredSamples = 64;  // unless --limit says otherwise: they are kept in memory

po::options_description options_of_profile() {
  po::options_description options("options");
  options.add_options()("model", po::value<std::string>()->value_name("FILE"), "the model")(
      "data,d", po::value<std::vector<std::string>>()->composing()->value_name("[INPUT=]PATH"),
      "samples; random ones unless given")("runs", po::value<std::string>()->value_name("N"),
                                           "how often each sample is run (default: 10)")(
      "executor", po::value<std::string>()->default_value("onednn")->value_name("NAME"), "executor")(
      "mode", po::value<std::string>()->default_value("float")->value_name("float|simulated|integer"),
      "how a quantized model is computed")("emit-all", "hand over every float value, as calibration does")(
      "json", po::value<std::string>()->value_name("FILE"), "write the figures as JSON")("quiet,q",
                                                                                         "print errors only");
  add_data_options(options);
  return options;
}

// A model, and how sessions of it are made.
struct Subject {
  ModelFile file;
  host::SessionRequest request;
  const model::Model &model() const { return file.working.model; }
};

// The samples, null without any; the model is made to fit single ones, as for an evaluation.
std::unique_ptr<calibration::Dataset> fit_to_samples(const pipeline::DataSpec &data, const Engine &engine,
                                                     Subject &subject, Progress &progress) {
  host::WorkingModel &working = subject.file.working;
  if (data.inputs.empty()) {
    (void)pipeline::free_shapes(engine.registry(), engine.kernels(), working);
    return nullptr;
  }
  const auto open = [&](const model::Model &fed) { return pipeline::open_dataset(engine.registry(), fed, data); };
  std::optional<std::string> told;
  auto dataset = pipeline::open_for_single_samples(engine.registry(), engine.kernels(), working, open, told);
  if (told) show_warnings({*told}, progress);
  subject.request.sequence = dataset->sequence();
  return dataset;
}

// What is run: in float32 and for the mode.
void prepare(Subject &subject, const std::string &path, host::Mode mode, const Engine &engine, bool emit_all) {
  pipeline::bring_to_float32(engine.registry(), engine.kernels(), subject.file.working);
  pipeline::prepare_for(mode, path, subject.file.working);
  subject.request.mode = mode;
  const model::Model &m = subject.model();
  subject.request.emits = m.graph(m.main_graph()).outputs;
  if (!emit_all) return;
  for (const model::Handle node : m.topological_order(m.main_graph())) {
    for (const model::Handle value : m.node(node).outputs) {
      if (value != HT_NONE && !m.value(value).is_output) subject.request.emits.push_back(value);
    }
  }
}

std::vector<StoredSample> samples_of(const calibration::Dataset *dataset, const Subject &subject,
                                     const std::vector<model::Handle> &inputs, const pipeline::DataSpec &data,
                                     Progress &progress) {
  std::vector<StoredSample> samples;
  if (dataset == nullptr) {
    for (std::uint32_t i = 0; i < kRandomSamples; ++i) samples.emplace_back(subject.model(), inputs, i);
    return samples;
  }
  const std::uint64_t count = std::min(data.limit == 0 ? kStoredSamples : data.limit, dataset->count());
  host::Context ctx;
  for (std::uint64_t i = 0; i < count; ++i) {
    ctx.arena.reset();
    try {
      samples.emplace_back(dataset->read(ctx, i));
    } catch (const Error &error) {
      if (!data.skip_bad_samples || error.status() != Status::kDataLoss) throw;
      show_warnings({error.message() + "; the sample is left out"}, progress);
    }
  }
  if (samples.empty()) fail(Status::kDataLoss, "there is no sample to run");
  return samples;
}

// Everything that is measured.
struct Measured {
  double first = 0;  // seconds until every worker has run a sample: opening the session, compiling it
  RunTime time;
  std::optional<ProfileReport> report;  // none where the executor takes no times
};

class Measurement {
 public:
  Measurement(const Engine &engine, Subject &subject, Progress &progress)
      : executor_(engine.executor()), subject_(subject), progress_(progress) {
    ctx_.working = &subject.file.working;
    ctx_.kernels = &engine.kernels();
    ctx_.sinks = progress.sinks();
    open(false);
  }
  const std::vector<model::Handle> &inputs() const { return session_->inputs(); }

  Measured run(const std::vector<StoredSample> &samples, std::uint64_t runs, const std::atomic<bool> &cancelled) {
    Measured measured;
    const std::uint32_t workers = subject_.request.workers;
    const auto start = std::chrono::steady_clock::now();
    warm_up(*session_, samples.front(), workers);
    measured.first = opening_ + seconds_since(start);
    measured.time = run_samples(*session_, samples, runs, workers, cancelled);
    // Times are taken in a session of their own, so that the figures above are of one that takes none.
    open(true);
    warm_up(*session_, samples.front(), workers);
    run_samples(*session_, samples, runs, workers, cancelled);
    try {
      measured.report = profile_report(subject_.model(), session_->profile(ctx_), runs * samples.size() + workers);
    } catch (const Error &error) {
      if (error.status() != Status::kUnimplemented) throw;
      show_warnings({error.message() + "; only totals are shown"}, progress_);
    }
    return measured;
  }

 private:
  static double seconds_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
  void open(bool timed) {
    const auto start = std::chrono::steady_clock::now();
    subject_.request.timed = timed;
    session_ = std::make_unique<host::Session>(executor_, ctx_, subject_.request);
    opening_ = seconds_since(start);
  }
  const host::Instance &executor_;
  Subject &subject_;
  Progress &progress_;
  host::Context ctx_;
  std::unique_ptr<host::Session> session_;
  double opening_ = 0;
};

nlohmann::ordered_json figures_of(const Measured &measured, std::uint32_t workers) {
  const auto samples = static_cast<double>(measured.time.samples);
  nlohmann::ordered_json figures = {{"workers", workers},
                                    {"samples", measured.time.samples},
                                    {"seconds", measured.time.wall},
                                    {"cpu_seconds", measured.time.cpu},
                                    {"first_seconds", measured.first},
                                    {"samples_per_second", samples / measured.time.wall},
                                    {"milliseconds_per_sample", 1000 * measured.time.wall / samples}};
  if (measured.report) add_profile(*measured.report, figures);
  figures["peak_memory_bytes"] = peak_memory();
  return figures;
}

std::string text_of_figures(const Measured &measured, std::uint32_t workers) {
  const auto samples = static_cast<double>(measured.time.samples);
  Table totals({"figure", "value"});
  totals.add({"workers", std::to_string(workers)});
  totals.add({"runs of a sample", std::to_string(measured.time.samples)});
  totals.add({"samples per second, all workers", fmt::format("{:.1f}", samples / measured.time.wall)});
  totals.add({"time per sample, all workers", milliseconds_text(measured.time.wall / samples)});
  totals.add({"processor time per sample", milliseconds_text(measured.time.cpu / samples)});
  totals.add({"opening and first sample", milliseconds_text(measured.first)});
  totals.add({"peak memory", bytes_text(peak_memory())});
  std::string text;
  if (measured.report) text = node_table(*measured.report).text() + "\n" + type_table(*measured.report).text() + "\n";
  return text + totals.text();
}

}  // namespace

int command_profile(const std::vector<std::string> &arguments) {
  const po::options_description options = options_of_profile();
  po::positional_options_description positional;
  positional.add("model", 1);
  po::variables_map values;
  if (!parse_arguments("profile", kProfileUsage, options, positional, arguments, values)) return kExitOk;
  const std::string model_path = text_of(values, "model");
  if (model_path.empty()) {
    fail(Status::kInvalidArgument, "no model is named; usage: halftone profile {}", kProfileUsage);
  }
  const host::Mode mode = mode_named(text_of(values, "mode"));
  const Engine engine(values, mode);
  const host::Registry &registry = engine.registry();
  const bool has_data = values.count("data") != 0;
  const pipeline::DataSpec data = data_spec(values, texts_of(values, "data"));
  if (data.memory_budget) {
    fail(Status::kInvalidArgument,
         "--memory-budget has no effect on a profile, whose samples lie in memory; limit them with --limit");
  }
  for (const char *option : {"preprocess", "feedback", "reader", "reader-setting", "limit", "batch", "on-bad-sample"}) {
    if (has_data || values.count(option) == 0) continue;
    fail(Status::kInvalidArgument, "--{} is about samples, and none are named: give --data PATH", option);
  }
  const std::uint64_t runs = whole_number(values, "runs", 10, 1, 1 << 30);
  const std::string json = text_of(values, "json");
  if (!json.empty()) pipeline::require_writable(json);
  pipeline::RunFiles files;
  files.reads(model_path, "model");
  files.reads(data);
  files.reads(registry);
  files.writes(json);
  files.check();
  const std::uint32_t workers = calibration::worker_count(data.threads, ~std::uint64_t{0});
  Progress progress(values.count("quiet") != 0);
  Subject subject;
  subject.file = read_model_file(model_path, engine, progress);
  subject.request.workers = workers;
  files.reads(subject.file.external_files, "weights of the model");
  files.check();

  const auto dataset = fit_to_samples(data, engine, subject, progress);
  prepare(subject, model_path, mode, engine, values.count("emit-all") != 0);
  Measurement measurement(engine, subject, progress);
  const std::vector<StoredSample> samples = samples_of(dataset.get(), subject, measurement.inputs(), data, progress);
  const Measured measured = measurement.run(samples, runs, install_interrupt_handler());
  if (!json.empty()) {
    AtomicFile file(json);
    file.write(figures_of(measured, workers).dump(1) + "\n");
    file.finish();
    file.commit();
  }
  if (values.count("quiet") == 0) std::fputs(text_of_figures(measured, workers).c_str(), stdout);
  return kExitOk;
}

}  // namespace halftone::cli
