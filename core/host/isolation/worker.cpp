#include "core/host/isolation/worker.h"

#include <unistd.h>

#include <charconv>
#include <cstring>

#include "core/host/child_process.h"
#include "core/host/isolation/wire_structs.h"
#include "core/host/library.h"
#include "core/host/service/services.h"

namespace halftone::host {

struct Worker::Call {
  ht_ctx ctx;
  std::vector<std::shared_ptr<const SharedBytes>> kept;
};

Worker::Worker(Descriptor socket)
    : link_(std::move(socket), {},
            [this](const Message &order, WireWriter &answer) { return carry_out(order, answer); }) {}

Worker::~Worker() = default;

void Worker::serve() {
  while (true) link_.serve_one();
}

// Contexts of the host have numbers that are used again: a new call begins with nothing of the one before.
Worker::Call &Worker::context(const Message &order) {
  std::unique_ptr<Call> &call = calls_[order.context];
  if (!call) call = std::make_unique<Call>();
  if (order.status != 0) {
    call->ctx.arena.reset();
    call->ctx.forget_error();
    call->kept.clear();
    call->ctx.link = this;
    call->ctx.link_context = order.context;
    call->ctx.owner = pthread_self();
    if (component_ != nullptr) call->ctx.component = component_->id();
  }
  return *call;
}

std::int32_t Worker::carry_out(const Message &order, WireWriter &answer) {
  Call &call = context(order);
  WireReader reader(order, call.ctx.arena, &call.kept);
  WireWriter body;
  ht_status status = HT_OK;
  try {
    status = act(static_cast<Order>(order.function), call.ctx, reader, body);
  } catch (const Error &error) {
    if (error.status() == Status::kDataLoss && error.message() == Channel::kClosed) throw;
    status = call.ctx.record(error);
  } catch (const std::exception &thrown) {
    const Error error(Status::kInternal, fmt::format("component '{}' let an exception cross the plug-in boundary: {}",
                                                     call.ctx.component, thrown.what()));
    call.ctx.forget_error();
    status = call.ctx.record(error);
  } catch (...) {
    const Error error(Status::kInternal,
                      fmt::format("component '{}' let an exception cross the plug-in boundary", call.ctx.component));
    call.ctx.forget_error();
    status = call.ctx.record(error);
  }
  tell_error(call.ctx);
  bool stranger = call.ctx.called_by_stranger.exchange(false);
  walk(answer, stranger);
  const std::string bytes = body.take();
  answer.raw(const_cast<char *>(bytes.data()), bytes.size());
  answer.files = std::move(body.files);
  return status;
}

// What services of this process recorded goes the way of what the host's record, before anything else is asked.
void Worker::tell_error(ht_ctx &ctx) {
  if (!ctx.error) return;
  const Error error = *ctx.error;
  ctx.forget_error();
  WireWriter arguments;
  ht_status status = static_cast<ht_status>(error.status());
  std::string text = error.message();
  std::vector<std::string> notes = error.notes();
  ht_handle subject = HT_NONE;
  walk(arguments, status);
  walk(arguments, text);
  walk(arguments, notes);
  walk(arguments, subject);
  (void)link_.call(static_cast<std::uint32_t>(Ask::kFail), ctx.link_context, 0, arguments);
}

Message Worker::ask(ht_ctx &ctx, std::uint32_t function, WireWriter &arguments) {
  try {
    if (ctx.called_by_owner()) tell_error(ctx);
    return link_.call(function, ctx.link_context, 0, arguments);
  } catch (const Error &) {
    ::_exit(1);  // nobody is left to work for
  }
}

std::vector<std::shared_ptr<const SharedBytes>> *Worker::kept(ht_ctx &ctx) {
  return &calls_.at(ctx.link_context)->kept;
}

std::shared_ptr<const KnownInitializer> Worker::initializer(ht_ctx &ctx, ht_handle value, ht_status &status) {
  WireWriter arguments;
  const std::scoped_lock lock(mutex_);
  std::shared_ptr<const KnownInitializer> &known = initializers_[value];
  std::uint64_t token = known ? known->token : 0;
  walk(arguments, value);
  walk(arguments, token);
  const Message answer = ask(ctx, static_cast<std::uint32_t>(Ask::kInitializer), arguments);
  status = answer.status;
  if (status != HT_OK) return nullptr;
  auto fresh = std::make_shared<KnownInitializer>();
  WireReader reader(answer, fresh->arena, &fresh->kept);
  bool unchanged = false;
  walk(reader, unchanged);
  if (unchanged) return known;
  fresh->view.struct_size = sizeof(ht_tensor_view);
  walk(reader, fresh->token);
  walk(reader, fresh->view);
  return known = fresh;
}

std::uint32_t Worker::enter_sink(const ht_execution_sink &sink) {
  sinks_.push_back({sink, nullptr});
  return static_cast<std::uint32_t>(sinks_.size() - 1);
}

std::uint32_t Worker::enter_sink(const ht_trial_sink &sink) {
  ht_execution_sink common{};
  common.user = sink.user;
  common.prepare = sink.prepare;
  common.reduce = sink.reduce;
  sinks_.push_back({common, sink.see});
  return static_cast<std::uint32_t>(sinks_.size() - 1);
}

void Worker::leave_sink() {
  sinks_.pop_back();
}

ht_status Worker::load(WireReader &reader) {
  std::string file, id;
  std::uint32_t kind = 0;
  std::vector<std::string> kernels;
  walk(reader, file);
  walk(reader, kind);
  walk(reader, id);
  walk(reader, kernels);
  registry_.add(open_plugin(file), file);
  for (const std::string &other : kernels) {
    if (other != file) registry_.add(open_plugin(other), other);
  }
  kernels_ = std::make_unique<KernelIndex>(registry_);
  component_ = &registry_.get(kind, id);
  host_ = std::make_unique<PluginHost>(component_->description->capabilities, component_);
  use_services_of(&worker_service);
  return HT_OK;
}

ht_status Worker::create(ht_ctx &ctx, WireReader &reader) {
  if (component_ == nullptr) fail(Status::kInternal, "this worker has no component");
  const ht_value *values = nullptr;
  std::uint64_t count = 0;
  walk_array(reader, values, count);
  ctx.component = component_->id();
  return component_->description->create(&host_->table, &ctx, values, count, &instance_);
}

ht_status Worker::act(Order what, ht_ctx &ctx, WireReader &reader, WireWriter &answer) {
  switch (what) {
    case Order::kLoad:
      return load(reader);
    case Order::kCreate:
      return create(ctx, reader);
    case Order::kDestroy:
      if (component_ != nullptr) component_->description->destroy(instance_);
      instance_ = nullptr;
      return HT_OK;
    case Order::kRunPass:
      return static_cast<const ht_pass *>(component_->role(HT_PASS_1))->run(instance_, &ctx);
    case Order::kWriteExport: {
      ht_str path{};
      walk(reader, path);
      return static_cast<const ht_exporter *>(component_->role(HT_EXPORTER_1))->write(instance_, &ctx, &path);
    }
    case Order::kPrepare:
    case Order::kSee:
    case Order::kSeeReference:
    case Order::kReduce:
    case Order::kSeeTrial:
      return act_sink(what, ctx, reader);
    default:
      return act_reader(what, ctx, reader, answer);
  }
}

ht_status Worker::act_reader(Order what, ht_ctx &ctx, WireReader &reader, WireWriter &answer) {
  const auto &role = *static_cast<const ht_reader *>(component_->role(HT_READER_1));
  if (what == Order::kOpen) {
    ht_str path{};
    walk(reader, path);
    void *source = nullptr;
    const ht_status status = role.open(instance_, &ctx, &path, &source);
    if (status == HT_OK) {
      sources_[next_source_] = source;
      walk(answer, next_source_);
      ++next_source_;
    }
    return status;
  }
  std::uint64_t number = 0, index = 0;
  walk(reader, number);
  void *source = sources_.at(number);
  if (what == Order::kClose) {
    sources_.erase(number);
    role.close(source);
    return HT_OK;
  }
  if (what == Order::kCount) {
    std::uint64_t count = 0;
    const ht_status status = role.count(source, &ctx, &count);
    walk(answer, count);
    return status;
  }
  walk(reader, index);
  if (what == Order::kName) {
    ht_str name{};
    const ht_status status = role.name(source, &ctx, index, &name);
    if (status == HT_OK) walk(answer, name);
    return status;
  }
  ht_tensor_view sample{};
  sample.struct_size = sizeof sample;
  const ht_status status = role.read(source, &ctx, index, &sample);
  if (status == HT_OK) walk(answer, sample);
  return status;
}

ht_status Worker::act_sink(Order what, ht_ctx &ctx, WireReader &reader) {
  std::uint32_t number = 0, worker = 0;
  std::uint64_t sample = 0;
  walk(reader, number);
  const Entered entered = sinks_.at(number);
  const ht_execution_sink &sink = entered.sink;
  if (what == Order::kPrepare) {
    walk(reader, worker);
    return sink.prepare(sink.user, &ctx, worker);
  }
  if (what == Order::kReduce) {
    walk(reader, sample);
    return sink.reduce(sink.user, &ctx, sample);
  }
  ht_handle value = HT_NONE;
  ht_tensor_view view{};
  view.struct_size = sizeof view;
  walk(reader, worker);
  walk(reader, sample);
  std::uint32_t trial = HT_TRIAL_NONE;
  if (what == Order::kSeeTrial) walk(reader, trial);
  walk(reader, value);
  walk(reader, view);
  if (what == Order::kSeeTrial) return entered.see_trial(sink.user, &ctx, worker, sample, trial, value, &view);
  return (what == Order::kSee ? sink.see : sink.see_reference)(sink.user, &ctx, worker, sample, value, &view);
}

int run_worker(int argc, char **argv) {
  int fd = -1;
  const char *number = argc > 1 ? argv[1] : "";
  const auto parsed = std::from_chars(number, number + std::strlen(number), fd);
  if (argc != 2 || parsed.ec != std::errc() || *parsed.ptr != '\0' || fd < 0) return 2;
  prepare_child();
  Worker worker{Descriptor(fd)};
  try {
    worker.serve();
  } catch (...) {
    ::_exit(0);  // the host has what it wanted
  }
}

}  // namespace halftone::host
