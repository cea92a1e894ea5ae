#include "core/pipeline/memory_fit.h"

#include <algorithm>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <numeric>
#include <set>
#include <utility>

#include "core/base/error.h"
#include "core/base/process_memory.h"

namespace halftone::pipeline {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20U;
// The plain form of one tensor's statistics and what an observer makes of it, on one thread.
constexpr std::uint64_t kSearch = 4 * kMiB;

// An arena joins its chunks between samples, which leaves gaps.
std::uint64_t with_rounding(std::uint64_t held) {
  return held + held / 4 + kMiB / 4;
}

// Calls body(index) for the first sample that it accepts, where bad ones are skipped.
template <class Body>
void with_first_good(std::uint64_t first, std::uint64_t samples, calibration::BadSample bad,
                     const calibration::SampleLedger *ledger, const Body &body) {
  for (std::uint64_t i = 0;; ++i) {
    const bool last = i + 1 >= samples;
    if (!last && ledger != nullptr && ledger->reason(first + i) != nullptr) continue;
    try {
      return body(first + i);
    } catch (const Error &error) {
      const bool skips = bad == calibration::BadSample::kSkip && calibration::is_data_fault(error.status());
      if (!skips || last) throw;
    }
  }
}

// The sample's inputs without their data.
std::vector<ht_tensor_view> shapes_of(const calibration::Sample &sample) {
  std::vector<ht_tensor_view> shapes = sample.inputs;
  for (ht_tensor_view &view : shapes) view.data = nullptr;
  return shapes;
}

std::vector<const host::Session *> sessions_of(const EvaluationRequest &request) {
  std::vector<const host::Session *> sessions = {request.session};
  if (request.reference != nullptr) sessions.push_back(request.reference);
  return sessions;
}

// What one sample showed.
struct Trial {
  std::uint64_t in_flight = 0;
  std::uint64_t arena = 0;
  std::uint64_t shared = 0;
  std::uint64_t process = 0;
  std::uint64_t statistics = 0;  // of all values, one set
  std::uint64_t grouped = 0;     // of those that want groups
};

std::uint64_t statistics_bytes(const calibration::Request &request, const ht_tensor_view &tensor,
                               std::uint64_t samples) {
  const std::span<const std::int64_t> shape(tensor.shape, tensor.rank);
  const std::uint64_t elements = model::element_count(shape);
  std::uint64_t bytes = sizeof(calibration::Statistics) + 256;
  if (request.histogram) {
    bytes += calibration::histogram_bytes(elements > calibration::kNarrowElements / samples);
  }
  const std::uint64_t channels =
      request.channel_axis < shape.size() ? static_cast<std::uint64_t>(shape[request.channel_axis]) : 0;
  if (request.channel_range) bytes += 2 * sizeof(float) * channels;
  if (request.channel_moments) bytes += 2 * sizeof(calibration::Fixed128) * channels;
  return bytes;
}

// Reads and runs one sample; `emit` looks at what the session hands over.
Trial try_sample(const host::Session &session, const calibration::Dataset &dataset, std::uint64_t index,
                 const std::function<void(Trial &, model::Handle, const ht_tensor_view &)> &emit) {
  Trial trial;
  host::Context ctx;
  const calibration::Sample sample = dataset.read(ctx, index);
  const std::vector<ht_tensor_view> shapes = shapes_of(sample);
  const ht_session_memory memory = session.memory(ctx, shapes);
  trial.arena = memory.worker;
  trial.shared = memory.shared;
  trial.process = resident_memory();
  session.run(ctx, 0, sample.inputs,
              [&](model::Handle value, const ht_tensor_view &tensor) { emit(trial, value, tensor); });
  trial.in_flight = with_rounding(ctx.arena.held());
  return trial;
}

// The first sample that can be used.
Trial first_trial(const host::Session &session, const calibration::Dataset &dataset, const DataPassRequest &request,
                  const CalibrationSettings &settings, std::uint64_t samples) {
  Trial trial;
  with_first_good(settings.first, samples, settings.on_bad_sample, settings.ledger.get(), [&](std::uint64_t index) {
    std::set<model::Handle> counted;  // frames and bodies hand a value over several times
    trial = try_sample(session, dataset, index, [&](Trial &seen, model::Handle value, const ht_tensor_view &tensor) {
      const auto found = request.requests.find(value);
      if (found == request.requests.end() || !counted.insert(value).second) return;
      const std::uint64_t bytes = statistics_bytes(found->second.request, tensor, samples);
      seen.statistics += bytes;
      if (found->second.groups) seen.grouped += bytes;
    });
  });
  return trial;
}

// What is over cannot be undone.
void require_not_spent(std::uint64_t budget) {
  if (const std::uint64_t peak = peak_memory(); peak > budget) {
    fail(Status::kResourceExhausted,
         "the memory budget of {} MiB is too small: reading and preparing the model took {} MiB already; raise it",
         budget / kMiB, peak / kMiB + 1);
  }
}

std::uint64_t weight_bytes(const model::Model &model) {
  std::uint64_t bytes = 0;
  for (const model::Handle graph : model.graphs()) {
    for (const model::Handle value : model.graph(graph).values) {
      if (const auto &initializer = model.value(value).initializer) bytes += initializer->bytes().size();
    }
  }
  return bytes;
}

// The export holds the quantized weights, the message that they are written into and that message's bytes. An
// evaluation has a session of the float model and one of the quantized, whose quantizers have buffers of their own.
void add_what_follows(const Trial &trial, const CalibrationSettings &settings, const model::Model &model,
                      calibration::MemoryNeed &need) {
  need.afterwards_each = kSearch;
  if (settings.exports) need.afterwards = 2 * weight_bytes(model);
  const std::uint64_t written = need.statistics + need.groups + settings.statistics_before;
  if (settings.writes_statistics) need.afterwards = std::max(need.afterwards, 3 * written);
  if (settings.evaluates) {
    need.afterwards = std::max(need.afterwards, 2 * trial.shared);
    need.afterwards_each = std::max(need.afterwards_each, 3 * trial.arena + 2 * trial.in_flight);
  }
}

// Intermediate tensors by the shapes of the inputs. Executors keep what they planned for several shapes at once.
class ShapeLedger {
 public:
  ShapeLedger(std::vector<const host::Session *> sessions, std::uint64_t planned)
      : sessions_(std::move(sessions)), planned_(planned) {}

  void admit(host::Context &ctx, const calibration::Sample &sample) {
    const std::lock_guard lock(mutex_);
    std::vector<std::int64_t> key;
    const std::vector<ht_tensor_view> shapes = shapes_of(sample);
    for (const ht_tensor_view &view : shapes) {
      key.push_back(view.rank);
      key.insert(key.end(), view.shape, view.shape + view.rank);
    }
    const auto [at, is_new] = arenas_.try_emplace(std::move(key), 0);
    if (is_new) {
      std::uint64_t kept = 1;
      for (const host::Session *session : sessions_) {
        const ht_session_memory memory = session->memory(ctx, shapes);
        at->second += memory.worker;
        kept = std::max<std::uint64_t>(kept, memory.shapes_kept);
      }
      largest_.insert(at->second);
      if (largest_.size() > kept) largest_.erase(largest_.begin());
    }
    const std::uint64_t held = std::accumulate(largest_.begin(), largest_.end(), std::uint64_t{0});
    if (held > planned_) ctx.arena.charge(static_cast<std::size_t>(held - planned_));
  }

 private:
  std::vector<const host::Session *> sessions_;
  std::uint64_t planned_;
  std::map<std::vector<std::int64_t>, std::uint64_t> arenas_;
  std::multiset<std::uint64_t> largest_;  // of all shapes seen, as many as executors keep at once
  std::mutex mutex_;
};

calibration::MemoryNeed need_of_evaluation(const EvaluationRequest &request, const calibration::Dataset &dataset,
                                           std::uint64_t index) {
  host::Context ctx;
  const calibration::Sample sample = dataset.read(ctx, index);
  const std::vector<ht_tensor_view> shapes = shapes_of(sample);
  const std::vector<const host::Session *> sessions = sessions_of(request);
  calibration::MemoryNeed need;
  for (const host::Session *session : sessions) {
    const ht_session_memory memory = session->memory(ctx, shapes);
    need.arena += memory.worker;
    need.shared += memory.shared;
  }
  need.process = resident_memory();
  std::uint64_t outputs = 0;
  for (const host::Session *session : sessions) {
    session->run(ctx, 0, sample.inputs, [&](model::Handle, const ht_tensor_view &tensor) {
      outputs += model::dtype_bytes(tensor.dtype, model::element_count({tensor.shape, tensor.rank}));
    });
  }
  constexpr std::uint64_t kWaiting = 4;  // samples whose outputs wait to be compared in order
  need.in_flight = with_rounding(ctx.arena.held()) + kWaiting * outputs;
  return need;
}

// What a part of the model takes, whose inputs have these shapes. Values that no sample gave stand for nothing.
void add_part(const host::Session &part, const std::map<model::Handle, ht_tensor_view> &seen,
              calibration::MemoryNeed &need) {
  host::Context ctx;
  std::vector<ht_tensor_view> inputs;
  for (const model::Handle value : part.inputs()) {
    const auto found = seen.find(value);
    if (found == seen.end()) return;
    inputs.push_back(found->second);
  }
  const ht_session_memory memory = part.memory(ctx, inputs);
  need.arena += memory.worker;
  need.shared += memory.shared;
}

calibration::MemoryNeed need_of_analysis(const AnalysisSessions &sessions, const calibration::Dataset &dataset,
                                         std::uint64_t index) {
  calibration::MemoryNeed need;
  host::Context ctx;
  const calibration::Sample sample = dataset.read(ctx, index);
  const std::vector<ht_tensor_view> shapes = shapes_of(sample);
  for (const host::Session *session : sessions.whole) {
    const ht_session_memory memory = session->memory(ctx, shapes);
    need.arena += memory.worker;
    need.shared += memory.shared;
  }
  std::map<model::Handle, ht_tensor_view> seen;
  std::list<model::Shape> kept;  // that the views point to
  std::map<model::Handle, std::uint64_t> sizes;
  std::uint64_t all = 0, largest = 0;
  const auto see = [&](model::Handle value, ht_tensor_view view) {
    kept.emplace_back(view.shape, view.shape + view.rank);
    const std::uint64_t bytes = model::dtype_bytes(view.dtype, model::element_count(kept.back()));
    std::uint64_t &counted = sizes[value];  // frames and bodies hand a value over several times
    all += bytes > counted ? bytes - counted : 0;
    counted = std::max(counted, bytes);
    largest = std::max(largest, bytes);
    view.shape = kept.back().data();
    view.strides = nullptr;
    view.block_axis = view.block_size = 0;
    view.data = nullptr;
    seen[value] = view;
  };
  const host::Session &first = *sessions.whole.front();
  first.run(ctx, 0, sample.inputs, see, [&](host::Context &, std::span<const ht_tensor_view> fed) {
    for (std::size_t i = 0; i < fed.size(); ++i) see(first.inputs()[i], fed[i]);
  });
  for (const host::Session *part : sessions.parts) add_part(*part, seen, need);
  need.process = resident_memory();
  need.in_flight = with_rounding(ctx.arena.held());
  need.waiting = sessions.copies * all + 2 * largest + sessions.worker_bytes;
  return need;
}

}  // namespace

void keep_to(const calibration::MemoryPlan &plan, std::vector<const host::Session *> sessions,
             calibration::FlowOptions &flow) {
  flow.workers = plan.workers;
  flow.sample_memory = plan.need.in_flight + plan.spare / plan.workers;
  auto ledger = std::make_shared<ShapeLedger>(std::move(sessions), plan.need.arena);
  flow.admit = [ledger](host::Context &ctx, const calibration::Sample &sample) { ledger->admit(ctx, sample); };
}

calibration::MemoryPlan fit_memory(const host::Session &session, const calibration::Dataset &dataset,
                                   const host::WorkingModel &working, const DataPassRequest &request,
                                   const CalibrationSettings &settings, std::uint32_t workers) {
  require_not_spent(*settings.memory_budget);
  const std::uint64_t samples =
      std::max<std::uint64_t>(1, calibration::samples_from(settings.first, settings.limit, dataset.count()));
  const Trial trial = first_trial(session, dataset, request, settings, samples);
  calibration::MemoryNeed need;
  need.process = trial.process;
  need.shared = trial.shared;
  need.arena = trial.arena;
  need.in_flight = trial.in_flight;
  need.statistics = trial.statistics;
  if (request.group != 0) need.groups = (samples / request.group + 1) * trial.grouped;
  need.waiting = 2 * trial.grouped;
  // Beside its own set, a worker has one of the sample that may yet fail.
  need.sets = settings.on_bad_sample == calibration::BadSample::kSkip ? 2 : 1;
  add_what_follows(trial, settings, working.model, need);
  return calibration::plan_memory(need, workers, *settings.memory_budget);
}

calibration::MemoryPlan fit_execution(const std::vector<const host::Session *> &sessions,
                                      const calibration::Dataset &dataset, const host::WorkingModel &working,
                                      const host::ExecutionRequest &request, const CalibrationSettings &settings,
                                      const calibration::FlowOptions &flow) {
  require_not_spent(*settings.memory_budget);
  const bool may_skip = flow.on_bad_sample == calibration::BadSample::kSkip;
  std::uint64_t all = 0, largest = 0;
  Trial trial;
  calibration::MemoryNeed need;
  with_first_good(flow.first, flow.limit, flow.on_bad_sample, flow.ledger, [&](std::uint64_t index) {
    need = {};
    all = largest = 0;
    for (const host::Session *session : sessions) {
      trial = try_sample(*session, dataset, index, [&](Trial &, model::Handle, const ht_tensor_view &tensor) {
        const auto bytes =
            static_cast<std::uint64_t>(model::element_count({tensor.shape, tensor.rank})) * sizeof(float);
        all += bytes;
        largest = std::max(largest, bytes);
      });
      need.shared += trial.shared;
      need.arena += trial.arena;
    }
  });
  need.process = trial.process;
  need.in_flight = trial.in_flight;
  need.groups = request.sink_bytes;
  // What the sink holds, the values of a sample that may yet fail, one value in another layout.
  need.waiting = request.sink_worker_bytes + (may_skip ? all : 0) + (request.plain ? largest : 0);
  add_what_follows(trial, settings, working.model, need);
  return calibration::plan_memory(need, flow.workers, *settings.memory_budget);
}

calibration::MemoryPlan fit_watches(const host::Session &session, const calibration::Dataset &dataset,
                                    const host::WorkingModel &working, const CalibrationSettings &settings,
                                    const calibration::FlowOptions &flow) {
  require_not_spent(*settings.memory_budget);
  return_free_memory();  // of the passes before
  const std::uint64_t samples = calibration::samples_from(flow.first, flow.limit, dataset.count());
  Trial trial;
  std::uint64_t largest = 0;
  with_first_good(flow.first, samples, flow.on_bad_sample, flow.ledger, [&](std::uint64_t index) {
    trial = try_sample(session, dataset, index, [&](Trial &, model::Handle, const ht_tensor_view &tensor) {
      const auto elements = static_cast<std::uint64_t>(model::element_count({tensor.shape, tensor.rank}));
      largest = std::max(largest, elements * sizeof(float));
    });
  });
  calibration::MemoryNeed need;
  need.process = trial.process;
  need.shared = trial.shared;
  need.arena = trial.arena;
  need.in_flight = trial.in_flight;
  need.waiting = largest;  // one value in another layout
  add_what_follows(trial, settings, working.model, need);
  return calibration::plan_memory(need, flow.workers, *settings.memory_budget);
}

calibration::MemoryPlan fit_pieces(const CalibrationSettings &settings, const model::Model &model,
                                   std::uint32_t workers, std::uint64_t worker_bytes) {
  require_not_spent(*settings.memory_budget);
  calibration::MemoryNeed need;
  need.process = resident_memory();
  need.waiting = worker_bytes;
  add_what_follows({}, settings, model, need);
  return calibration::plan_memory(need, workers, *settings.memory_budget);
}

calibration::MemoryPlan fit_evaluation(const EvaluationRequest &request, const calibration::Dataset &dataset,
                                       std::uint64_t budget, calibration::FlowOptions &flow) {
  require_not_spent(budget);
  calibration::MemoryNeed need;
  with_first_good(flow.first, dataset.count(), flow.on_bad_sample, flow.ledger,
                  [&](std::uint64_t index) { need = need_of_evaluation(request, dataset, index); });
  calibration::MemoryPlan plan = calibration::plan_memory(need, flow.workers, budget);
  keep_to(plan, sessions_of(request), flow);
  return plan;
}

calibration::MemoryPlan fit_analysis(const AnalysisSessions &sessions, const calibration::Dataset &dataset,
                                     std::uint64_t budget, calibration::FlowOptions &flow) {
  require_not_spent(budget);
  const std::uint64_t samples = calibration::samples_from(flow.first, flow.limit, dataset.count());
  calibration::MemoryNeed need;
  with_first_good(flow.first, samples, flow.on_bad_sample, flow.ledger,
                  [&](std::uint64_t index) { need = need_of_analysis(sessions, dataset, index); });
  calibration::MemoryPlan plan = calibration::plan_memory(need, flow.workers, budget);
  keep_to(plan, sessions.whole, flow);
  return plan;
}

calibration::MemoryPlan fit_searches(const CalibrationSettings &settings, const model::Model &model,
                                     std::uint32_t workers) {
  require_not_spent(*settings.memory_budget);
  calibration::MemoryNeed need;
  need.process = resident_memory();
  add_what_follows({}, settings, model, need);
  return calibration::plan_memory(need, workers, *settings.memory_budget);
}

}  // namespace halftone::pipeline
