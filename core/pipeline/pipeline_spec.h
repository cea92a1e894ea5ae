// What a run is asked to do: the contents of a pipeline file, or of the command line that stands for one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/base/setting.h"
#include "core/calibration/dataset.h"
#include "core/host/isolation/trust_settings.h"

namespace halftone::pipeline {

struct PassStep {
  std::string id;
  Setting settings;  // null or a map of parameters
  Location where;
};

struct ExportStep {
  std::string format;
  std::string path;
  Setting settings;  // the exporter's parameters
  Location where;
};

struct OverrideRule {
  std::string op;    // operator type, or empty for any
  std::string node;  // glob over node names, or empty
  Setting set;       // {inputs: {...}, weights: {...} ...}; see override_parts.h
  Location where;
};

struct DispatchRow {
  std::string op, node;       // as in an OverrideRule
  std::uint32_t verdict = 0;  // HT_DISPATCH_*
  Location where;
};

struct DispatchSpec {
  std::string method;  // a dispatcher; empty: the platform's
  std::vector<DispatchRow> table;
  Location where;  // empty for a command line
  bool given() const { return !method.empty() || !table.empty(); }
};

struct InputSpec {
  std::string name;  // of the model input; empty for the only one
  std::string path;
  std::string reader;
  Location reader_where;
  Setting reader_settings;
  calibration::Preprocess preprocess;
  std::string preprocess_file;  // that it was read from, or empty
  bool has_preprocess = false;  // it was given, if only as {}
  // Samples of the program that embeds the kernel, instead of a path; see calibration::InputSource. May be null.
  std::shared_ptr<calibration::SampleSource> given = nullptr;
};

struct DataSpec {
  std::vector<InputSpec> inputs;               // empty: no data
  std::string labels;                          // .npy of class numbers, or empty; for an evaluation
  std::vector<std::int64_t> given_labels;      // the same, by the program that embeds the kernel
  calibration::DatasetOptions options;         // sequences, arrays that are one sample
  std::uint64_t limit = 0;                     // 0: all
  std::uint64_t batch = 1;                     // transport only; never changes a result
  std::uint32_t threads = 0;                   // 0: all cores
  std::optional<std::uint64_t> memory_budget;  // bytes
  bool skip_bad_samples = false;
};

// How plug-ins are run, and what happens when one fails.
struct PluginSpec {
  host::TrustSettings trust;
  bool skip_failures = false;        // a pass that fails is left out; otherwise the run ends
  std::filesystem::path reproducer;  // the folder for the first failure of a pass; empty: beside the outputs
};

struct PipelineSpec {
  std::filesystem::path model;
  std::filesystem::path state;  // of a run that stopped, to go on from instead of the model; or empty
  std::string platform;
  Setting platform_settings;  // null or a map of choices
  DataSpec calibration;
  std::string statistics_in;   // a statistics file instead of calibration data, or empty
  Location labels_for_passes;  // `calibration.labels` beside `evaluate`; empty when there are none
  DataSpec evaluation;         // on which the float and the quantized model are compared; without inputs: not at all
  bool integer_evaluation = false;  // the quantized model is evaluated in integer mode instead of simulated
  std::string executor = "onednn";
  std::string trainer = "native";
  std::optional<std::vector<PassStep>> passes;  // absent: the platform's
  PluginSpec plugins;
  DispatchSpec dispatch;
  std::vector<OverrideRule> overrides;
  Setting fusions;  // null or a list; fusion_spec.h reads it when the platform is known
  std::vector<ExportStep> exports;
  std::string configs_out, report;
  std::string artefacts;    // the folder for files that passes leave, or empty
  std::string figures_out;  // figures as JSON; only a command line says it
  bool plan_only = false;   // nothing will be written, so that it does not matter whether it could be
  std::string observer;     // for every activation, instead of the platform's choice
  Location where, platform_where, executor_where, trainer_where,
      observer_where;  // for messages; empty for a command line
};

// Parses a pipeline file. Paths in it are relative to the file's folder. `overrides` are --set key=value texts. Throws
// InvalidArgument with file:line:column, the allowed keys and the nearest name.
PipelineSpec read_pipeline(const std::filesystem::path &file, const std::vector<std::string> &overrides);

// The same from a tree; `folder` is what relative paths start from.
PipelineSpec parse_pipeline(const Setting &root, const std::filesystem::path &folder);

// `platform:`, a name, or one name with choices for the platform's settings. Null leaves the spec as it is.
void parse_platform_choice(const Setting *setting, PipelineSpec &spec);

// Samples that are sequences, from texts OUTPUT=INPUT; nothing without any. Throws InvalidArgument naming `what`.
std::optional<host::Sequence> parse_feedback(const std::vector<std::string> &texts, std::uint32_t axis,
                                             const std::string &what);

// Throws InvalidArgument where samples are sequences: `what` takes samples one by one.
void refuse_sequences(const DataSpec &data, const std::string &what);

// `--trust LEVEL` and `--trust NAME=LEVEL`, `--on-plugin-failure` and `--plugin-timeout`, which go before what the file
// says. Empty texts change nothing. Throws InvalidArgument.
void choose_trust(const std::vector<std::string> &levels, const std::string &on_failure, const std::string &timeout,
                  PluginSpec &plugins);

// `--dispatcher NAME`, which goes before what the file says. Throws InvalidArgument for a name that is none.
void choose_dispatcher(const std::string &name, PipelineSpec &spec);

// A `passes:` list that was checked: names, or one-entry maps of name to parameters.
std::vector<PassStep> parse_passes(const Setting &list);

}  // namespace halftone::pipeline
