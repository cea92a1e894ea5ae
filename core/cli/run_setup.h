// What the commands that run models have in common: who hears of a run, how samples flow, an executor, a model from a
// file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <boost/program_options.hpp>

#include "core/calibration/sample_flow.h"
#include "core/cli/console.h"
#include "core/host/instance.h"
#include "core/host/kernel_index.h"
#include "core/host/registry.h"
#include "core/pipeline/comparison.h"
#include "core/pipeline/runner.h"

namespace halftone::cli {

// Each step of a pipeline as a line with what its pass reports. The progress outlives the events.
pipeline::RunEvents run_events(Progress &progress);

void show_warnings(const std::vector<std::string> &warnings, Progress &progress);

using pipeline::flow_options;

// Tells how many samples were left out, and why the first was. Throws DataLoss when none is left. `done` is what was to
// be done with them: "analysed".
void report_skipped(std::uint64_t samples, const std::vector<std::string> &skipped, const std::string &done,
                    const host::RunSinks &sinks);

// Plug-ins, kernels and the executor of a command that runs a model without a pipeline.
class Engine {
 public:
  // By --plugin-path, --executor and, for integer mode, --platform.
  explicit Engine(const boost::program_options::variables_map &values, host::Mode mode = host::Mode::kFloat);
  const host::Registry &registry() const { return registry_; }
  const host::KernelIndex &kernels() const { return kernels_; }
  const host::Instance &executor() const { return executor_; }

 private:
  host::Context context_;
  host::Registry registry_;
  host::KernelIndex kernels_;
  Setting settings_;  // of the executor
  host::Instance executor_;
};

struct ModelFile {
  host::WorkingModel working;
  std::vector<std::filesystem::path> external_files;
};
// Ready to run: functions are expanded. Warnings about the file go to the progress.
ModelFile read_model_file(const std::string &path, const Engine &engine, Progress &progress);

}  // namespace halftone::cli
