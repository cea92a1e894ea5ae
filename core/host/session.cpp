#include "core/host/session.h"

#include <exception>

namespace halftone::host {

namespace {

struct Emission {
  const EmitFunction *emit;
  std::exception_ptr thrown;
};

// Nothing may be thrown through the executor: it is kept and thrown again on our side.
ht_status HT_CALL forward(void *user, ht_handle value, const ht_tensor_view *tensor) {
  auto *emission = static_cast<Emission *>(user);
  if (emission->thrown) return HT_CANCELLED;  // the first failure is the one to report
  try {
    (*emission->emit)(value, *tensor);
    return HT_OK;
  } catch (...) {
    emission->thrown = std::current_exception();
    return HT_CANCELLED;
  }
}

struct StepList {
  std::vector<StepTime> steps;
  std::exception_ptr thrown;
};

ht_status HT_CALL keep_step(void *user, const ht_step *step) {
  auto *list = static_cast<StepList *>(user);
  try {
    list->steps.push_back({step->kind,
                           step->node,
                           step->value,
                           {step->fused.data, step->fused.data + step->fused.size},
                           {step->how.data, static_cast<std::size_t>(step->how.size)},
                           step->runs,
                           step->nanoseconds});
    return HT_OK;
  } catch (...) {
    list->thrown = std::current_exception();
    return HT_CANCELLED;
  }
}

void require_support(const ht_executor &executor, const Instance &instance, Context &ctx, Mode mode) {
  const auto bit = static_cast<std::uint32_t>(mode);
  if ((executor.modes >> bit & 1U) == 0) {
    fail(Status::kUnimplemented, "executor '{}' does not offer {} mode", instance.component().id(),
         mode == Mode::kFloat ? "float" : (mode == Mode::kSimulated ? "simulated" : "integer"));
  }
  const model::Model &m = ctx.working->model;
  for (const model::Handle node : m.topological_order(m.main_graph())) {
    call_component(ctx, [&] { return executor.supports(instance.raw(), &ctx, node, bit); });
  }
}

}  // namespace

Session::Session(const Instance &executor, Context &ctx, const SessionRequest &request)
    : executor_(executor.role<ht_executor>(HT_EXECUTOR_1)), executor_id_(executor.component().id()) {
  ctx.component = executor_id_;
  require_support(executor_, executor, ctx, request.mode);
  const model::Model &m = ctx.working->model;
  for (const model::Handle h : m.graph(m.main_graph()).inputs) {
    if (!m.value(h).initializer) inputs_.push_back(h);
  }
  revision_ = m.revision();
  ht_session_options options{};
  options.struct_size = sizeof(options);
  options.mode = static_cast<std::uint32_t>(request.mode);
  options.worker_count = request.workers;
  options.quantized_weights = request.quantized_weights ? 1 : 0;
  options.inputs = {inputs_.data(), inputs_.size()};
  options.emits = {request.emits.data(), request.emits.size()};
  options.timed = request.timed ? 1 : 0;
  call_component(ctx, [&] { return executor_.open(executor.raw(), &ctx, &options, &raw_); });
}

Session::~Session() {
  if (raw_ != nullptr) executor_.close(raw_);
}

void Session::require_fresh(const model::Model &current) const {
  if (current.revision() != revision_) {
    fail(Status::kStale, "the model was edited after this execution session was opened; open a new one");
  }
}

void Session::run(Context &ctx, std::uint32_t worker, std::span<const ht_tensor_view> inputs,
                  const EmitFunction &emit) const {
  Emission emission{&emit, nullptr};
  ctx.component = executor_id_;
  try {
    call_component(
        ctx, [&] { return executor_.run(raw_, &ctx, worker, inputs.data(), inputs.size(), &forward, &emission); });
  } catch (...) {
    if (emission.thrown) std::rethrow_exception(emission.thrown);
    throw;
  }
  // An executor that went on regardless must not hide the failure.
  if (emission.thrown) std::rethrow_exception(emission.thrown);
}

void Session::refuse_budget() const {
  fail(Status::kUnimplemented,
       "executor '{}' cannot say what memory it needs, which a memory budget asks for; use another (onednn can), or "
       "leave "
       "`memory_budget` out",
       executor_id_);
}

ht_session_memory Session::memory(Context &ctx, std::span<const ht_tensor_view> inputs) const {
  if (!HT_HAS(&executor_, ht_executor, memory) || executor_.memory == nullptr) {
    refuse_budget();
  }
  ht_session_memory memory{};
  memory.struct_size = sizeof(memory);
  ctx.component = executor_id_;
  try {
    call_component(ctx, [&] { return executor_.memory(raw_, &ctx, inputs.data(), inputs.size(), &memory); });
  } catch (const Error &error) {
    if (error.status() == Status::kUnimplemented) refuse_budget();
    throw;
  }
  return memory;
}

std::vector<StepTime> Session::profile(Context &ctx) const {
  if (!HT_HAS(&executor_, ht_executor, profile) || executor_.profile == nullptr) {
    fail(Status::kUnimplemented, "executor '{}' takes no time of its steps", executor_id_);
  }
  StepList list;
  ctx.component = executor_id_;
  try {
    call_component(ctx, [&] { return executor_.profile(raw_, &ctx, &keep_step, &list); });
  } catch (...) {
    if (list.thrown) std::rethrow_exception(list.thrown);
    throw;
  }
  return std::move(list.steps);
}

}  // namespace halftone::host
