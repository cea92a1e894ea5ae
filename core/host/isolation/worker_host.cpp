#include "core/host/isolation/worker_host.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "core/host/isolation/serve_function.h"
#include "core/host/isolation/wire_structs.h"
#include "core/host/search.h"
#include "core/host/service/services.h"
#include "core/host/service/tables.h"

namespace halftone::host {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kGrace(2000);
constexpr int kWorkerFd = 3;

// The functions of a sink are those of the worker: what they get is sent there.
struct Sink {
  WorkerHost *host;
  std::uint32_t number;
};

template <typename Body>
ht_status recorded(ht_ctx *ctx, Body &&body) noexcept {
  try {
    return body();
  } catch (const Error &error) {
    return ctx->record(error);
  } catch (const std::exception &error) {
    return ctx->record(HT_INTERNAL, error.what());
  }
}

ht_status HT_CALL prepare(void *user, ht_ctx *ctx, std::uint32_t workers) {
  return recorded(ctx, [&] {
    auto *sink = static_cast<Sink *>(user);
    WireWriter arguments;
    walk(arguments, sink->number);
    walk(arguments, workers);
    return sink->host->order(*ctx, Order::kPrepare, arguments);
  });
}

ht_status see_as(Order order, void *user, ht_ctx *ctx, std::uint32_t worker, std::uint64_t sample, ht_handle value,
                 const ht_tensor_view *tensor) {
  return recorded(ctx, [&] {
    auto *sink = static_cast<Sink *>(user);
    WireWriter arguments;
    walk(arguments, sink->number);
    walk(arguments, worker);
    walk(arguments, sample);
    walk(arguments, value);
    ht_tensor_view view = *tensor;
    walk(arguments, view);
    return sink->host->order(*ctx, order, arguments);
  });
}

ht_status HT_CALL see(void *user, ht_ctx *ctx, std::uint32_t worker, std::uint64_t sample, ht_handle value,
                      const ht_tensor_view *tensor) {
  return see_as(Order::kSee, user, ctx, worker, sample, value, tensor);
}

ht_status HT_CALL see_reference(void *user, ht_ctx *ctx, std::uint32_t worker, std::uint64_t sample, ht_handle value,
                                const ht_tensor_view *tensor) {
  return see_as(Order::kSeeReference, user, ctx, worker, sample, value, tensor);
}

ht_status HT_CALL see_trial(void *user, ht_ctx *ctx, std::uint32_t worker, std::uint64_t sample, std::uint32_t trial,
                            ht_handle value, const ht_tensor_view *tensor) {
  return recorded(ctx, [&] {
    auto *sink = static_cast<Sink *>(user);
    WireWriter arguments;
    walk(arguments, sink->number);
    walk(arguments, worker);
    walk(arguments, sample);
    walk(arguments, trial);
    walk(arguments, value);
    ht_tensor_view view = *tensor;
    walk(arguments, view);
    return sink->host->order(*ctx, Order::kSeeTrial, arguments);
  });
}

ht_status HT_CALL reduce(void *user, ht_ctx *ctx, std::uint64_t sample) {
  return recorded(ctx, [&] {
    auto *sink = static_cast<Sink *>(user);
    WireWriter arguments;
    walk(arguments, sink->number);
    walk(arguments, sample);
    return sink->host->order(*ctx, Order::kReduce, arguments);
  });
}

}  // namespace

// An initializer that the worker has, held so that its address is nobody else's.
struct WorkerHost::Stored {
  ht_tensor_view view{};
  void *hold = nullptr;
  std::uint64_t token = 0;
  ~Stored() { graph_table()->release(hold); }
  bool same(const ht_tensor_view &other) const {
    if (view.dtype != other.dtype || view.rank != other.rank ||
        !std::equal(view.shape, view.shape + view.rank, other.shape)) {
      return false;
    }
    if (view.data == other.data) return true;
    // A baked parameter is quantized anew for each who asks.
    return std::memcmp(view.data, other.data, static_cast<std::size_t>(bytes_spanned(view))) == 0;
  }
};

std::filesystem::path WorkerOptions::default_program() {
  return (library_folder() / HALFTONE_WORKER_FROM_LIBRARY).lexically_normal();
}

WorkerHost::WorkerHost(const Component &component, const WorkerOptions &options)
    : name_(fmt::format("{} '{}'", kind_name(component.description->kind), component.id())),
      capabilities_(component.description->capabilities),
      silence_(options.silence) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    fail(Status::kResourceExhausted, "no connection to a worker process for {}: {}", name_, std::strerror(errno));
  }
  Descriptor ours(ends[0]), theirs(ends[1]);
  process_.start(options.program, {std::to_string(kWorkerFd)}, {theirs.get(), kWorkerFd},
                 ChildProcess::Output::kInherited);
  if (!process_.started()) {
    fail(Status::kInternal, "{} cannot be isolated, because the program '{}' does not start ({}); reinstall Halftone",
         name_, options.program.string(), std::strerror(process_.error()));
  }
  heard_ = Clock::now();
  link_ = std::make_unique<Link>(
      std::move(ours), [this] { tick(); },
      [this](const Message &call, WireWriter &answer) { return serve(call, answer); });
  ht_ctx ctx;
  WireWriter arguments;
  std::string file = component.plugin->file.string(), id(component.id());
  std::uint32_t kind = component.description->kind;
  walk(arguments, file);
  walk(arguments, kind);
  walk(arguments, id);
  std::vector<std::string> kernels;
  for (const auto &path : options.kernels) kernels.push_back(path.string());
  walk(arguments, kernels);
  const ht_status status = order(ctx, Order::kLoad, arguments);
  if (status != HT_OK) throw ctx.error ? Error(*ctx.error) : Error(Status::kInternal, name_ + " cannot be loaded");
}

WorkerHost::~WorkerHost() {
  link_.reset();  // it ends by itself when nobody is there
  process_.finish(lost_ ? std::chrono::milliseconds(0) : kGrace);
}

void WorkerHost::tick() {
  const Clock::time_point now = Clock::now();
  if (cancelled_ != nullptr && cancelled_->load(std::memory_order_relaxed)) {
    Clock::time_point since = cancelled_at_;
    if (since == Clock::time_point{}) cancelled_at_ = since = now;
    if (now - since > kGrace) fail(Status::kCancelled, "cancelled");
  }
  if (silence_.count() == 0 || now - heard_.load() < silence_) return;
  fail(Status::kTimeout,
       "{} did nothing for {} s in its worker process, which was ended; if it only needs long, raise `plugin_timeout`",
       name_, static_cast<double>(silence_.count()) / 1000);
}

void WorkerHost::lost(const Error &error) {
  const std::scoped_lock lock(mutex_);
  if (!lost_) {
    if (error.status() == Status::kDataLoss && error.message() == Channel::kClosed) {
      lost_.emplace(Status::kInternal, fmt::format("{} {} in its worker process", name_, process_.ending(kGrace)));
    } else if (error.status() == Status::kDataLoss) {
      lost_.emplace(Status::kInternal,
                    fmt::format("{} broke the connection of its worker process: {}", name_, error.message()));
    } else {
      lost_ = error;
    }
    process_.finish();
  }
  throw Error(*lost_);
}

std::uint32_t WorkerHost::enter(ht_ctx &ctx, bool &is_new) {
  const std::scoped_lock lock(mutex_);
  if (lost_) throw Error(*lost_);
  const auto known = std::ranges::find(active_, &ctx, &std::pair<std::uint32_t, ht_ctx *>::second);
  is_new = known == active_.end();
  if (!is_new) return known->first;
  // The least that is free, as the worker keeps memory for each number.
  std::uint32_t number = 0;
  while (std::ranges::count(active_, number, &std::pair<std::uint32_t, ht_ctx *>::first) != 0) ++number;
  active_.emplace_back(number, &ctx);
  if (ctx.sinks.cancelled != nullptr) cancelled_ = ctx.sinks.cancelled;
  return number;
}

void WorkerHost::leave(ht_ctx &ctx) {
  const std::scoped_lock lock(mutex_);
  std::erase_if(active_, [&](const auto &entry) { return entry.second == &ctx; });
}

ht_ctx &WorkerHost::context(std::uint32_t number) {
  const std::scoped_lock lock(mutex_);
  const auto found = std::ranges::find(active_, number, &std::pair<std::uint32_t, ht_ctx *>::first);
  if (found == active_.end()) fail(Status::kDataLoss, "it spoke of a call that there is not");
  return *found->second;
}

ht_status WorkerHost::order(ht_ctx &ctx, Order what, WireWriter &arguments, const Answer &answer) {
  bool is_new = false;
  const std::uint32_t number = enter(ctx, is_new);
  struct Leave {
    WorkerHost &host;
    ht_ctx *ctx;
    ~Leave() {
      if (ctx != nullptr) host.leave(*ctx);
    }
  } leave{*this, is_new ? &ctx : nullptr};
  try {
    heard_ = Clock::now();
    const Message returned = link_->call(static_cast<std::uint32_t>(what), number, is_new ? 1 : 0, arguments);
    heard_ = Clock::now();
    WireReader reader(returned, ctx.arena);
    bool stranger = false;
    walk(reader, stranger);
    if (stranger) ctx.called_by_stranger = true;
    if (returned.status == HT_OK && answer) answer(reader);
    return returned.status;
  } catch (const Error &error) {
    lost(error);
  }
}

std::int32_t WorkerHost::serve(const Message &call, WireWriter &answer) {
  ht_ctx &ctx = context(call.context);
  Arena arena;
  std::vector<std::shared_ptr<const SharedBytes>> kept;
  WireReader reader(call, arena, &kept);
  std::int32_t status = HT_OK;
  try {
    status = call.function < 0x100 ? serve_own(static_cast<Ask>(call.function), ctx, reader, answer)
                                   : serve_function(call.function, capabilities_, ctx, reader, answer);
  } catch (const Error &error) {
    if (error.status() == Status::kDataLoss) throw;
    status = ctx.record(error);
  }
  heard_ = Clock::now();
  return status;
}

std::int32_t WorkerHost::serve_own(Ask what, ht_ctx &ctx, WireReader &reader, WireWriter &answer) {
  switch (what) {
    case Ask::kLog: {
      LogLine line{};
      walk(reader, line.level);
      walk(reader, line.text);
      if (ctx.sinks.log) ctx.sinks.log(line);
      return HT_OK;
    }
    case Ask::kFail: {
      ht_status status = HT_INTERNAL;
      ht_handle subject = HT_NONE;
      std::string text;
      std::vector<std::string> notes;
      walk(reader, status);
      walk(reader, text);
      walk(reader, notes);
      walk(reader, subject);
      if (status == HT_OK) {
        status = HT_INTERNAL;
        text = "the component reported a failure with status 0: " + text;
      }
      if (notes.empty()) return ctx.record(status, text, subject);
      Error error(static_cast<Status>(status), text);
      for (std::string &note : notes) error.note(std::move(note));
      return ctx.record(error);
    }
    case Ask::kRow: {
      std::pair<std::string, std::string> row;
      walk(reader, row);
      ctx.report.push_back(std::move(row));
      return HT_OK;
    }
    case Ask::kInitializer:
      return give_initializer(ctx, reader, answer);
    case Ask::kRun:
      return run_model(ctx, reader, answer);
    case Ask::kRunTrials:
      return run_trials(ctx, reader, answer);
  }
  fail(Status::kDataLoss, "it asked for what there is not");
}

// The bytes, unless the worker has them since an earlier time.
ht_status WorkerHost::give_initializer(ht_ctx &ctx, WireReader &reader, WireWriter &answer) {
  ht_handle handle = HT_NONE;
  std::uint64_t known = 0;
  walk(reader, handle);
  walk(reader, known);
  const auto *graph = static_cast<const ht_graph *>(find_service(HT_GRAPH_1, capabilities_));
  if (graph == nullptr) fail(Status::kPermissionDenied, "reading the model was not declared");
  auto fresh = std::make_unique<Stored>();
  fresh->view.struct_size = sizeof(ht_tensor_view);
  const ht_status status = graph->hold_initializer(&ctx, handle, &fresh->view, &fresh->hold);
  if (status != HT_OK) return status;
  const std::scoped_lock lock(mutex_);
  std::unique_ptr<Stored> &stored = stored_[handle];
  bool unchanged = stored && stored->token == known && stored->same(fresh->view);
  walk(answer, unchanged);
  if (unchanged) return HT_OK;
  fresh->token = next_token_++;
  stored = std::move(fresh);
  walk(answer, stored->token);
  walk(answer, stored->view);
  return HT_OK;
}

ht_status WorkerHost::run_model(ht_ctx &ctx, WireReader &reader, WireWriter &answer) {
  Sink sink{this, 0};
  bool prepares = false, sees = false, reduces = false, sees_reference = false;
  ht_execution_options options{};
  options.struct_size = sizeof options;
  walk(reader, sink.number);
  walk(reader, prepares);
  walk(reader, sees);
  walk(reader, reduces);
  walk(reader, sees_reference);
  walk(reader, options);
  const auto *execution = static_cast<const ht_execution *>(find_service(HT_EXECUTION_1, capabilities_));
  if (execution == nullptr) fail(Status::kPermissionDenied, "running the model was not declared");
  ht_execution_sink functions{};
  functions.struct_size = sizeof functions;
  functions.user = &sink;
  functions.prepare = prepares ? &prepare : nullptr;
  functions.see = sees ? &see : nullptr;
  functions.reduce = reduces ? &reduce : nullptr;
  functions.see_reference = sees_reference ? &see_reference : nullptr;
  ht_execution_result result{};
  result.struct_size = sizeof result;
  const ht_status status = execution->run(&ctx, &options, &functions, &result);
  if (status == HT_OK) walk(answer, result);
  return status;
}

ht_status WorkerHost::run_trials(ht_ctx &ctx, WireReader &reader, WireWriter &answer) {
  Sink sink{this, 0};
  bool prepares = false, sees = false, reduces = false;
  ht_trial_options options{};
  options.struct_size = sizeof options;
  walk(reader, sink.number);
  walk(reader, prepares);
  walk(reader, sees);
  walk(reader, reduces);
  walk(reader, options);
  const auto *trials = static_cast<const ht_trial_runs *>(find_service(HT_TRIAL_1, capabilities_));
  if (trials == nullptr) fail(Status::kPermissionDenied, "running the model was not declared");
  ht_trial_sink functions{};
  functions.struct_size = sizeof functions;
  functions.user = &sink;
  functions.prepare = prepares ? &prepare : nullptr;
  functions.see = sees ? &see_trial : nullptr;
  functions.reduce = reduces ? &reduce : nullptr;
  ht_execution_result result{};
  result.struct_size = sizeof result;
  const ht_status status = trials->run(&ctx, &options, &functions, &result);
  if (status == HT_OK) walk(answer, result);
  return status;
}

}  // namespace halftone::host
