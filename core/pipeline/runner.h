// A whole run: read the model, plan, run the passes, export.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/base/staged_file.h"
#include "core/calibration/dataset.h"
#include "core/host/instance.h"
#include "core/host/isolation/trust.h"
#include "core/host/kernel_index.h"
#include "core/host/registry.h"
#include "core/model/onnx_io.h"
#include "core/pipeline/calibrator.h"
#include "core/pipeline/execution.h"
#include "core/pipeline/file_rehearsal.h"
#include "core/pipeline/overrides.h"
#include "core/pipeline/parallel.h"
#include "core/pipeline/pipeline_spec.h"
#include "core/pipeline/plan.h"
#include "core/pipeline/request_recorder.h"
#include "core/pipeline/run_files.h"
#include "core/pipeline/run_state.h"
#include "core/pipeline/target.h"
#include "core/pipeline/training.h"
#include "core/pipeline/transaction.h"

namespace halftone::pipeline {

// What the command line wants to hear while a run goes on.
struct RunEvents {
  host::RunSinks sinks;
  std::function<void(const PlannedStep &, std::size_t index, std::size_t count)> step_begins;
  std::function<void(const StepReport &)> step_ended;
};

class Runner {
 public:
  // Reads the model and the platform, opens the data and makes the plan: everything that can be wrong with the request
  // is found here, before anything is computed. `registry` outlives the runner. `imported` is the model where somebody
  // has read it already.
  Runner(const host::Registry &registry, PipelineSpec spec, RunEvents events,
         const model::ImportResult *imported = nullptr);
  ~Runner();

  const PipelineSpec &spec() const noexcept { return spec_; }
  const std::vector<PlannedStep> &plan() const noexcept { return plan_; }
  const host::WorkingModel &model() const noexcept { return model_; }
  // The model as it was read, for comparisons.
  const host::WorkingModel &original() const noexcept { return original_; }
  // Of its file and of the files with its weights.
  std::uint64_t original_bytes() const;
  const host::Instance &executor() const noexcept { return *executor_; }
  const host::KernelIndex &kernels() const noexcept { return kernels_; }
  const std::vector<std::string> &warnings() const noexcept { return warnings_; }
  // What the passes found out of the calibration samples; null where bad ones end the run.
  const std::shared_ptr<calibration::SampleLedger> &ledger() const noexcept { return ledger_; }
  // With the choices for its settings; null when the run has none.
  const PlatformDescriptor *platform() const noexcept { return target_ ? &target_->descriptor() : nullptr; }

  // What the nodes of the model cost now on the platform; null when the run has none.
  host::TargetService *target() const noexcept { return target_.get(); }
  // What the passes left, when the run names a folder for it.
  std::vector<std::filesystem::path> artefact_files() const;

  // Of this run: with what stands between the host and the plug-ins that it does not trust.
  const host::Registry &registry() const noexcept { return registry_; }
  Calibrator &calibrator() noexcept { return *calibrator_; }
  // Where `on_plugin_failure` says so, a report stands for a pass that failed and was left out. Of another failure, the
  // error's notes say where its reproducer is.
  std::vector<StepReport> run_passes();
  // Runs the passes up to the first that asks for statistics of activations, and says what it asks for; nothing when
  // none does. The run is of no further use.
  std::optional<RecordedRequest> record_request();
  // After record_request(): whether passes from that one on may ask for more than that request.
  bool may_ask_for_more() const;
  // Runs all passes as from a statistics file. The run is of no further use.
  void rehearse(FileRehearsal &rehearsal);
  // Writes every export under a temporary name; nothing appears yet. Gives their bytes, with files of weights.
  std::vector<std::uint64_t> prepare_exports();
  // Completes the configs, the figures and the report besides; then, when nothing can fail any more, all outputs
  // appear.
  void commit_outputs(const std::string &figures, const std::string &report = {});

 private:
  void collect_files();
  void check_outputs() const;
  void read_model(const model::ImportResult *given);
  void open_platform();
  std::optional<std::string> free_fixed();
  void read_statistics();
  void open_data();
  void read_start();
  std::vector<StepReport> run_passes(host::CalibrationService &calibration, host::ExecutionService &execution);
  // What a step works on: from the first on that rewrites the model for files it is a copy.
  host::WorkingModel &model_for(const PlannedStep &step);
  // Lines about places of fusions in float, where the step deploys.
  std::vector<std::pair<std::string, std::string>> fusions_left_out(const PlannedStep &step);
  StepReport run_one(const PlannedStep &step, const RunServices &services);
  StepReport leave_out(const PlannedStep &step, const Error &error);
  void require_facts(const PlannedStep &step) const;
  void keep_failure(const PlannedStep &step, Error &error);
  void count_facts(const PlannedStep &step);
  // What the user's rules want, after a step.
  void follow_user(const PlannedStep &step, OverrideRun &overrides);
  void check_observers();

  std::unique_ptr<host::TrustedComponents> trusted_;
  const host::Registry &registry_;
  PipelineSpec spec_;
  std::vector<std::filesystem::path> model_files_;  // the file, and those with its weights
  RunEvents events_;
  RunFiles files_;
  host::KernelIndex kernels_;
  std::vector<std::string> warnings_;
  host::WorkingModel model_, original_;
  std::optional<host::WorkingModel> deployed_;    // as files get it, where passes rewrite the model for them alone
  std::set<std::string> deploying_;               // these passes
  std::optional<host::WorkingModel> calibrated_;  // as it was calibrated: what corrections compare with
  std::vector<PassStep> platform_passes_;
  std::unique_ptr<Target> target_;
  std::unique_ptr<host::Instance> executor_;
  std::unique_ptr<calibration::Dataset> dataset_;
  std::shared_ptr<calibration::SampleLedger> ledger_;
  std::optional<GivenStatistics> given_;
  ChosenObservers chosen_;
  std::unique_ptr<Calibrator> calibrator_;
  std::unique_ptr<Execution> execution_;
  std::unique_ptr<Parallel> parallel_;
  std::unique_ptr<Training> training_;
  std::vector<PlannedStep> plan_;
  std::vector<host::Artefact> artefacts_;              // of the passes, under the names of their files
  std::size_t reached_ = 0;                            // the step that was begun last
  bool asks_only_ = false;                             // the run is there to learn what a run would ask for
  std::set<std::string> facts_;                        // that hold
  std::map<std::string, std::string> facts_not_made_;  // by fact: the pass that was left out
  bool has_reproducer_ = false;                        // of an earlier failure
  std::vector<std::unique_ptr<StagedFile>> exports_;
};

// Opens the data of a spec for a model.
std::unique_ptr<calibration::Dataset> open_dataset(const host::Registry &registry, const model::Model &model,
                                                   const DataSpec &data);

}  // namespace halftone::pipeline
