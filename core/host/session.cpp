#include "core/host/session.h"

#include <algorithm>
#include <exception>
#include <set>

#include "core/host/feed_type.h"

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

void require_mode(const ht_executor &executor, const Instance &instance, Mode mode) {
  if ((executor.modes >> static_cast<std::uint32_t>(mode) & 1U) != 0) return;
  fail(Status::kUnimplemented, "executor '{}' does not offer {} mode", instance.component().id(),
       mode == Mode::kFloat ? "float" : (mode == Mode::kSimulated ? "simulated" : "integer"));
}

void require_feeds(const model::Model &m, const std::vector<model::Handle> &feeds) {
  std::set<model::Handle> seen;
  for (const model::Handle value : feeds) {
    const model::Value &v = m.value(value);
    if (v.graph != m.main_graph())
      fail(Status::kInvalidArgument, "value '{}' belongs to a body and cannot be fed", v.name);
    if (!seen.insert(value).second) fail(Status::kInvalidArgument, "value '{}' is fed twice", v.name);
  }
}

// Whatever the executor: one message for a value that nobody gives.
void require_given(const model::Model &m, const std::vector<model::Handle> &nodes,
                   const std::vector<model::Handle> &feeds, const std::vector<model::Handle> &emits) {
  std::set<model::Handle> given(feeds.begin(), feeds.end());
  const auto require = [&](model::Handle value) {
    if (value == HT_NONE || given.contains(value) || m.value(value).initializer) return;
    fail(Status::kInvalidArgument, "value '{}' is needed and neither fed nor made from what is fed",
         m.value(value).name);
  };
  for (const model::Handle node : nodes) {
    for (const model::Handle value : m.node(node).inputs) require(value);
    for (const model::Handle value : m.captured_values(node)) require(value);
    given.insert(m.node(node).outputs.begin(), m.node(node).outputs.end());
  }
  for (const model::Handle value : emits) require(value);
}

std::vector<model::Handle> graph_inputs(const model::Model &m) {
  std::vector<model::Handle> inputs;
  for (const model::Handle h : m.graph(m.main_graph()).inputs) {
    if (!m.value(h).initializer) inputs.push_back(h);
  }
  return inputs;
}

}  // namespace

std::vector<model::Handle> needed_nodes(const model::Model &m, std::span<const model::Handle> feeds,
                                        std::span<const model::Handle> emits) {
  const std::set<model::Handle> fed(feeds.begin(), feeds.end());
  std::set<model::Handle> wanted(emits.begin(), emits.end());
  std::vector<model::Handle> needed;
  const std::vector<model::Handle> order = m.topological_order(m.main_graph());
  for (auto node = order.rbegin(); node != order.rend(); ++node) {
    const auto &outputs = m.node(*node).outputs;
    if (std::ranges::none_of(outputs, [&](auto v) { return v != HT_NONE && wanted.contains(v) && !fed.contains(v); }))
      continue;
    needed.push_back(*node);
    wanted.insert(m.node(*node).inputs.begin(), m.node(*node).inputs.end());
    const std::vector<model::Handle> captured = m.captured_values(*node);
    wanted.insert(captured.begin(), captured.end());
  }
  std::ranges::reverse(needed);
  return needed;
}

Session::Session(const Instance &executor, Context &ctx, const SessionRequest &request)
    : executor_(executor.role<ht_executor>(HT_EXECUTOR_1)), executor_id_(executor.component().id()) {
  ctx.component = executor_id_;
  require_mode(executor_, executor, request.mode);
  const model::Model &m = ctx.working->model;
  if (request.feeds) require_feeds(m, *request.feeds);
  inputs_ = request.feeds ? *request.feeds : graph_inputs(m);
  const std::vector<model::Handle> nodes =
      request.feeds ? needed_nodes(m, inputs_, request.emits) : m.topological_order(m.main_graph());
  if (request.feeds) require_given(m, nodes, inputs_, request.emits);
  std::vector<model::Handle> emits = request.emits;
  if (request.sequence && !request.feeds) sequence_.emplace(*request.sequence, m, inputs_, emits);
  for (const model::Handle node : nodes) {
    call_component(
        ctx, [&] { return executor_.supports(executor.raw(), &ctx, node, static_cast<std::uint32_t>(request.mode)); });
  }
  for (const model::Handle input : inputs_) input_types_.push_back(m.value(input).type.dtype);
  revision_ = m.revision();
  ht_session_options options{};
  options.struct_size = sizeof(options);
  options.mode = static_cast<std::uint32_t>(request.mode);
  options.worker_count = request.workers;
  options.quantized_weights = request.quantized_weights ? 1 : 0;
  options.inputs = {inputs_.data(), inputs_.size()};
  options.emits = {emits.data(), emits.size()};
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

std::vector<ht_tensor_view> Session::in_own_types(Context &ctx, std::span<const ht_tensor_view> inputs) const {
  std::vector<ht_tensor_view> out(inputs.begin(), inputs.end());
  for (std::size_t i = 0; i < std::min(out.size(), input_types_.size()); ++i) {
    out[i] = in_float_type(ctx, out[i], input_types_[i]);
  }
  return out;
}

void Session::run(Context &ctx, std::uint32_t worker, std::span<const ht_tensor_view> inputs, const EmitFunction &emit,
                  const FrameFunction &after) const {
  if (!sequence_) {
    run_once(ctx, worker, inputs, emit);
    if (after) after(ctx, inputs);
    return;
  }
  // With a context of its own, so that memory of one frame is free for the next.
  Context own;
  own.working = ctx.working;
  own.kernels = ctx.kernels;
  own.sinks = ctx.sinks;
  sequence_->run(inputs, emit, [&](std::span<const ht_tensor_view> frame, const EmitFunction &take) {
    if (ctx.sinks.cancelled != nullptr && ctx.sinks.cancelled->load(std::memory_order_relaxed)) {
      fail(Status::kCancelled, "cancelled");
    }
    own.arena.reset();
    run_once(own, worker, frame, take);
    if (after) after(own, frame);
  });
}

void Session::run_frame(Context &ctx, std::uint32_t worker, std::span<const ht_tensor_view> inputs,
                        const EmitFunction &emit) const {
  run_once(ctx, worker, inputs, [&](model::Handle value, const ht_tensor_view &tensor) {
    if (!sequence_ || !sequence_->is_internal(value)) emit(value, tensor);
  });
}

void Session::run_once(Context &ctx, std::uint32_t worker, std::span<const ht_tensor_view> inputs,
                       const EmitFunction &emit) const {
  Emission emission{&emit, nullptr};
  const std::vector<ht_tensor_view> fed = in_own_types(ctx, inputs);
  ctx.component = executor_id_;
  try {
    call_component(ctx, [&] { return executor_.run(raw_, &ctx, worker, fed.data(), fed.size(), &forward, &emission); });
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
  if (executor_.memory == nullptr) {
    refuse_budget();
  }
  std::vector<std::vector<std::int64_t>> shapes;
  std::vector<ht_tensor_view> frame;
  if (sequence_) {
    frame = sequence_->first_frame(inputs, shapes);
    inputs = frame;
  }
  const std::vector<ht_tensor_view> fed = in_own_types(ctx, inputs);
  ht_session_memory memory{};
  memory.struct_size = sizeof(memory);
  ctx.component = executor_id_;
  try {
    call_component(ctx, [&] { return executor_.memory(raw_, &ctx, fed.data(), fed.size(), &memory); });
  } catch (const Error &error) {
    if (error.status() == Status::kUnimplemented) refuse_budget();
    throw;
  }
  return memory;
}

std::vector<StepTime> Session::profile(Context &ctx) const {
  if (executor_.profile == nullptr) {
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
