#include "core/pipeline/execution.h"

#include <algorithm>
#include <map>
#include <utility>

#include "core/base/error.h"
#include "core/calibration/row_major.h"
#include "core/pipeline/fed_execution.h"
#include "core/pipeline/forwarding.h"
#include "core/pipeline/memory_fit.h"
#include "core/pipeline/trials.h"

namespace halftone::pipeline {
namespace {

// A value of a sample that may yet fail.
struct Kept {
  bool reference = false;
  model::Handle value = HT_NONE;
  ht_dtype dtype = HT_F32;
  model::Shape shape;
  std::vector<std::byte> bytes;
};

class Forward final : public calibration::SampleSink {
 public:
  Forward(const host::ExecutionReceiver &receiver, const host::ExecutionRequest &request, const host::Context &pass,
          const host::Session *reference, std::uint32_t worker, const calibration::FlowOptions &flow)
      : forwarding_(receiver, request, pass, worker),
        reference_(reference),
        worker_(worker),
        may_skip_(flow.on_bad_sample == calibration::BadSample::kSkip),
        flow_(flow) {}

  void begin(std::uint64_t index) override {
    index_ = number_of(flow_, index);
    kept_.clear();
  }

  void value(model::Handle value, const ht_tensor_view &tensor) override { take_or_keep(false, value, tensor); }

  // The float network starts each frame from the states of the working one, so that what differs is the frame's.
  void frame(host::Context &ctx, std::span<const ht_tensor_view> inputs) override {
    if (reference_ == nullptr) return;
    reference_->run_frame(ctx, worker_, inputs, [this](model::Handle value, const ht_tensor_view &tensor) {
      take_or_keep(true, value, tensor);
    });
  }

  std::shared_ptr<void> take(host::Context &, const calibration::Sample &) override {
    for (const Kept &kept : kept_) {
      hand_over(kept.reference, kept.value, plain_view(kept.dtype, kept.shape, kept.bytes.data()));
    }
    kept_.clear();
    return nullptr;
  }

 private:
  void take_or_keep(bool reference, model::Handle value, const ht_tensor_view &tensor) {
    if (!may_skip_) return hand_over(reference, value, tensor);
    kept_.push_back({reference,
                     value,
                     tensor.dtype,
                     {tensor.shape, tensor.shape + tensor.rank},
                     calibration::row_major_copy(tensor)});
  }

  void hand_over(bool reference, model::Handle value, const ht_tensor_view &tensor) {
    forwarding_.hand_over(reference, index_, value, tensor);
  }

  Forwarding forwarding_;
  const host::Session *reference_;
  std::uint32_t worker_;
  bool may_skip_;
  const calibration::FlowOptions &flow_;
  std::uint64_t index_ = 0;
  std::vector<Kept> kept_;
};

}  // namespace

void refuse_without_data(const std::string &pass, const std::string &statistics) {
  if (statistics.empty()) {
    fail(Status::kFailedPrecondition,
         "pass '{}' runs the model on samples and needs calibration data; give `calibration:` with a path, or "
         "--calibration PATH",
         pass);
  }
  fail(Status::kFailedPrecondition,
       "pass '{}' runs the model on samples, and '{}' holds statistics of the float model only; give the calibration "
       "data instead of --stats-in",
       pass, statistics);
}

calibration::SampleRange Execution::range_of(const host::ExecutionRequest &request) const {
  const std::uint64_t all = calibration::samples_from(settings_.first, settings_.limit, dataset_->settled_count());
  if (settings_.ledger)
    return settings_.ledger->part({settings_.first, settings_.first + all}, request.first, request.limit);
  const std::uint64_t first = settings_.first + std::min(request.first, all);
  return {first, first + calibration::samples_from(request.first, request.limit, all)};
}

std::uint64_t Execution::samples_in(const calibration::SampleRange &range) const {
  return settings_.ledger ? settings_.ledger->count(range) : range.end - range.first;
}

void Execution::know_samples(const host::Context &ctx) const {
  if (needs_screening(*dataset_, settings_)) screen(executor_, ctx, *dataset_, settings_);
}

calibration::FlowOptions Execution::flow_options(const host::Context &ctx,
                                                 const host::ExecutionRequest &request) const {
  const calibration::SampleRange range = range_of(request);
  calibration::FlowOptions flow;
  flow.first = range.first;
  flow.limit = range.end - range.first;
  flow.on_bad_sample = settings_.on_bad_sample;
  flow.ledger = settings_.ledger.get();
  flow.sinks = ctx.sinks;
  flow.workers = calibration::worker_count(settings_.threads, flow.limit);
  return flow;
}

std::uint64_t Execution::samples(host::Context &ctx, const host::ExecutionRequest &request) const {
  if (!request.feeds.empty()) return calibration::samples_from(request.first, request.limit, request.fed_samples);
  if (dataset_ == nullptr) return 0;
  know_samples(ctx);
  return samples_in(range_of(request));
}

std::unique_ptr<host::Session> Execution::open(const host::Context &ctx, host::WorkingModel &working,
                                               const host::ExecutionRequest &request, std::uint32_t workers) const {
  host::SessionRequest session;
  session.mode = request.mode;
  session.quantized_weights = request.quantized_weights;
  session.workers = workers;
  session.sequence = dataset_->sequence();
  session.emits = request.values;
  return open_for_pass(executor_, ctx, working, std::move(session));
}

host::ExecutionOutcome Execution::run(host::Context &ctx, const host::ExecutionRequest &request,
                                      const host::ExecutionReceiver &receiver) {
  if (!request.feeds.empty()) return run_fed(executor_, ctx, request, receiver, settings_);
  if (dataset_ == nullptr) refuse_without_data(ctx.component, statistics_);
  require_values(ctx.working->model, request.values);
  know_samples(ctx);
  calibration::FlowOptions flow = flow_options(ctx, request);
  if (samples_in(range_of(request)) == 0)
    fail(Status::kInvalidArgument, "there is no sample from number {} on", request.first);

  // Scales that the pass has set count at once for those that borrow them.
  ctx.working->configs.settle_slaves();
  const std::unique_ptr<host::Session> session = open(ctx, *ctx.working, request, flow.workers);
  std::vector<const host::Session *> sessions = {session.get()};
  std::unique_ptr<host::Session> reference;
  if (!request.references.empty()) {
    if (ctx.original == nullptr) fail(Status::kFailedPrecondition, "this call has no float network to compare with");
    require_values(ctx.original->model, request.references);
    host::ExecutionRequest before;
    before.values = request.references;
    reference = open(ctx, *ctx.original, before, flow.workers);
    sessions.push_back(reference.get());
  }
  if (settings_.memory_budget) {
    keep_to(fit_execution(sessions, *dataset_, *ctx.working, request, settings_, flow), sessions, flow);
  }
  if (receiver.prepare) receiver.prepare(flow.workers);
  calibration::FlowResult result;
  try {
    result = calibration::run_flow(
        *dataset_, *session, flow,
        [&](std::uint32_t worker) -> std::unique_ptr<calibration::SampleSink> {
          return std::make_unique<Forward>(receiver, request, ctx, reference.get(), worker, flow);
        },
        [&](std::uint64_t sample, const std::shared_ptr<void> &) {
          if (receiver.reduce) receiver.reduce(number_of(flow, sample));
        });
  } catch (Error &error) {
    if (error.status() == Status::kDataLoss) error.note(kSkipBadSamples);
    throw;
  }
  if (result.samples == 0) refuse_all_bad(calibration::reasons_of(result.skipped));
  return {flow.workers, result.samples, result.skipped.size()};
}

host::ExecutionOutcome Execution::run_trials(host::Context &ctx, const host::TrialRequest &request,
                                             const host::TrialReceiver &receiver) {
  if (dataset_ == nullptr) refuse_without_data(ctx.component, statistics_);
  require_values(ctx.working->model, request.values);
  for (const model::Handle value : request.values) {
    if (ctx.working->model.value(value).producer != HT_NONE) continue;
    fail(Status::kInvalidArgument, "no operator makes the value '{}'", ctx.working->model.value(value).name);
  }
  know_samples(ctx);
  host::ExecutionRequest range;
  range.first = request.first;
  range.limit = request.limit;
  if (samples_in(range_of(range)) == 0)
    fail(Status::kInvalidArgument, "there is no sample from number {} on", request.first);
  return pipeline::run_trials(executor_, ctx, {*dataset_, settings_, flow_options(ctx, range)}, request, receiver);
}

// A sample that is known to be bad has no number, and its label none either.
std::vector<std::int64_t> Execution::labels(host::Context &ctx) {
  if (!read_labels_) return {};
  std::vector<std::int64_t> labels = read_labels_();
  if (labels.empty() || !settings_.ledger) return labels;
  know_samples(ctx);
  std::vector<std::int64_t> good;
  for (std::uint64_t i = 0; i < labels.size(); ++i) {
    if (settings_.ledger->reason(i) == nullptr) good.push_back(labels[i]);
  }
  return good;
}

}  // namespace halftone::pipeline
