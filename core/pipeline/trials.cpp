#include "core/pipeline/trials.h"

#include <algorithm>
#include <set>
#include <utility>

#include "core/base/error.h"
#include "core/base/process_memory.h"
#include "core/calibration/not_the_sample.h"
#include "core/pipeline/analysis/part_session.h"
#include "core/pipeline/execution.h"
#include "core/pipeline/forwarding.h"
#include "core/pipeline/memory_fit.h"
#include "core/pipeline/trial_sessions.h"
#include "halftone/trial.h"

namespace halftone::pipeline {
namespace {

using calibration::not_the_sample;
using model::Handle;

// Parameters that the sessions of one pass over the samples may hold, counted once for each trial.
constexpr std::uint64_t kParameterBytes = std::uint64_t{512} << 20;

// What every worker of a pass needs.
struct Pass {
  const host::TrialRequest &request;
  const host::TrialReceiver &receiver;
  const host::Context &ctx;
  const calibration::FlowOptions &flow;
  std::unique_ptr<host::Session> floats;
  std::vector<TrialSession *> trials;
};

// A value of a sample that may yet fail.
struct Kept {
  std::uint32_t trial = HT_TRIAL_NONE;
  Handle value = HT_NONE;
  StoredTensor tensor;
};

class TrialSink final : public calibration::SampleSink {
 public:
  TrialSink(const Pass &pass, std::uint32_t worker)
      : pass_(pass), worker_(worker), may_skip_(pass.flow.on_bad_sample == calibration::BadSample::kSkip) {
    own_.component = pass.ctx.component;
  }
  void begin(std::uint64_t index) override {
    index_ = number_of(pass_.flow, index);
    kept_.clear();
  }
  void value(Handle value, const ht_tensor_view &tensor) override { floats_[value].store(tensor); }

  // Every frame of a sequence starts from the states of the float model.
  void frame(host::Context &ctx, std::span<const ht_tensor_view> fed) override {
    const std::vector<Handle> &inputs = pass_.floats->inputs();
    for (std::size_t i = 0; i < inputs.size(); ++i) floats_[inputs[i]].store(fed[i]);
    for (const Handle value : pass_.request.values) take_or_keep(HT_TRIAL_NONE, value, floats_.at(value));
    for (const TrialSession *trial : pass_.trials) {
      if (!trial->session) continue;
      std::vector<ht_tensor_view> views;
      for (const Handle value : trial->session->inputs()) views.push_back(floats_.at(value).view());
      trial->session->run(ctx, worker_, views, [&](Handle value, const ht_tensor_view &tensor) {
        scratch_.store(tensor);
        take_or_keep(trial->number, value, scratch_);
      });
    }
  }

  std::shared_ptr<void> take(host::Context &, const calibration::Sample &) override {
    for (const Kept &kept : kept_) hand_over(kept.trial, kept.value, kept.tensor);
    kept_.clear();
    return nullptr;
  }

 private:
  void take_or_keep(std::uint32_t trial, Handle value, const StoredTensor &tensor) {
    if (may_skip_) {
      kept_.push_back({trial, value, tensor});
    } else {
      hand_over(trial, value, tensor);
    }
  }
  void hand_over(std::uint32_t trial, Handle value, const StoredTensor &tensor) {
    own_.arena.reset();
    not_the_sample([&] {
      if (tensor.floats().data() == nullptr && model::element_count(tensor.shape()) != 0) {
        fail(Status::kInvalidArgument, "value '{}' is not float32, so that no error can be measured there",
             pass_.ctx.working->model.value(value).name);
      }
      pass_.receiver.see(own_, worker_, index_, trial, value,
                         plain_view(HT_F32, tensor.shape(), tensor.floats().data()));
    });
  }

  const Pass &pass_;
  std::uint32_t worker_;
  bool may_skip_;
  host::Context own_;
  std::uint64_t index_ = 0;
  Values floats_;
  StoredTensor scratch_;
  std::vector<Kept> kept_;
};

// What has to be kept of a sample in float.
std::vector<Handle> emits_of(const model::Model &model, const Pass &pass) {
  std::set<Handle> values(pass.request.values.begin(), pass.request.values.end());
  for (const TrialSession *trial : pass.trials) values.insert(trial->cut.feeds.begin(), trial->cut.feeds.end());
  std::erase_if(values, [&](Handle value) { return model.value(value).producer == HT_NONE; });
  return {values.begin(), values.end()};
}

void keep_to_budget(const Pass &pass, const TrialData &data, calibration::FlowOptions &flow) {
  AnalysisSessions sessions;
  sessions.whole.push_back(pass.floats.get());
  for (const TrialSession *trial : pass.trials) {
    if (trial->session) sessions.parts.push_back(trial->session.get());
  }
  sessions.worker_bytes = pass.request.sink_worker_bytes + pass.request.sink_bytes;
  const calibration::MemoryPlan plan = fit_analysis(sessions, data.dataset, *data.settings.memory_budget, flow);
  if (flow.sinks.notice) flow.sinks.notice(plan.text());
}

// Within a budget, a quarter of what it leaves: sessions are opened before it is known what their tensors take.
std::uint64_t most_parameters(const CalibrationSettings &settings) {
  if (!settings.memory_budget) return kParameterBytes;
  const std::uint64_t held = resident_memory();
  return std::min(kParameterBytes, *settings.memory_budget > held ? (*settings.memory_budget - held) / 4 : 0);
}

host::ExecutionOutcome run_pass(Pass &pass, const TrialData &data, calibration::FlowOptions &flow) {
  if (data.settings.memory_budget) keep_to_budget(pass, data, flow);
  if (pass.receiver.prepare) pass.receiver.prepare(flow.workers);
  calibration::FlowResult result;
  try {
    result = calibration::run_flow(
        data.dataset, *pass.floats, flow,
        [&](std::uint32_t worker) { return std::make_unique<TrialSink>(pass, worker); },
        [&](std::uint64_t sample, const std::shared_ptr<void> &) {
          if (pass.receiver.reduce) pass.receiver.reduce(number_of(flow, sample));
        });
  } catch (Error &error) {
    if (error.status() == Status::kDataLoss) error.note(kSkipBadSamples);
    throw;
  }
  if (result.samples == 0) refuse_all_bad(calibration::reasons_of(result.skipped));
  return {flow.workers, result.samples, result.skipped.size()};
}

}  // namespace

host::ExecutionOutcome run_trials(const host::Instance &executor, host::Context &ctx, const TrialData &data,
                                  const host::TrialRequest &request, const host::TrialReceiver &receiver) {
  const model::Model &model = ctx.working->model;
  TrialOpener opener(executor, ctx, data.flow.workers);
  std::vector<TrialSession> trials = opener.plan(request);
  host::ExecutionOutcome outcome;
  std::size_t next = 0;
  do {
    calibration::FlowOptions flow = data.flow;
    Pass pass{request, receiver, ctx, flow, nullptr, {}};
    std::uint64_t bytes = 0;
    const std::uint64_t most = most_parameters(data.settings);
    while (next < trials.size() && (pass.trials.empty() || bytes + trials[next].bytes <= most)) {
      TrialSession &trial = trials[next++];
      bytes += trial.bytes;
      opener.open(request, trial);
      pass.trials.push_back(&trial);
    }
    pass.floats = opener.whole(emits_of(model, pass), data.dataset.sequence());
    outcome = run_pass(pass, data, flow);
    for (TrialSession *trial : pass.trials) trial->session.reset();
  } while (next < trials.size());
  return outcome;
}

}  // namespace halftone::pipeline
