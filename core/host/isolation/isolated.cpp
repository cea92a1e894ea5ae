// The functions of a component whose instances live in worker processes.
#include "core/host/isolation/component_proxy.h"
#include "core/host/isolation/wire_structs.h"

namespace halftone::host {
namespace {

// What is thrown on our side is recorded, as a component's own failure would be.
template <typename Body>
ht_status recorded(ht_ctx *ctx, Body &&body) noexcept {
  try {
    return body();
  } catch (const Error &error) {
    ctx->forget_error();  // of what went on when the worker was lost
    return ctx->record(error);
  } catch (const std::exception &error) {
    return ctx->record(HT_INTERNAL, error.what());
  }
}

ht_status HT_CALL create(const ht_host *host, ht_ctx *ctx, const ht_value *args, std::uint64_t count, void **instance) {
  return recorded(ctx, [&] {
    const ComponentProxy &proxy = proxy_of(host);
    auto worker = std::make_unique<WorkerHost>(proxy.original(), proxy.options());
    WireWriter arguments;
    walk_array(arguments, args, count);
    const ht_status status = worker->order(*ctx, Order::kCreate, arguments);
    if (status == HT_OK) *instance = worker.release();
    return status;
  });
}

void HT_CALL destroy(void *instance) {
  auto *worker = static_cast<WorkerHost *>(instance);
  ht_ctx ctx;
  recorded(&ctx, [&] {
    WireWriter none;
    return worker->order(ctx, Order::kDestroy, none);
  });
  delete worker;
}

ht_status HT_CALL run(void *instance, ht_ctx *ctx) {
  return recorded(ctx, [&] {
    WireWriter none;
    return static_cast<WorkerHost *>(instance)->order(*ctx, Order::kRunPass, none);
  });
}

ht_status HT_CALL write(void *instance, ht_ctx *ctx, const ht_str *path) {
  return recorded(ctx, [&] {
    WireWriter arguments;
    ht_str copy = *path;
    walk(arguments, copy);
    return static_cast<WorkerHost *>(instance)->order(*ctx, Order::kWriteExport, arguments);
  });
}

struct Source {
  WorkerHost *worker;
  std::uint64_t number;
};

ht_status HT_CALL open(void *instance, ht_ctx *ctx, const ht_str *path, void **source) {
  return recorded(ctx, [&] {
    auto *worker = static_cast<WorkerHost *>(instance);
    auto opened = std::make_unique<Source>(Source{worker, 0});
    WireWriter arguments;
    ht_str copy = *path;
    walk(arguments, copy);
    const ht_status status =
        worker->order(*ctx, Order::kOpen, arguments, [&](WireReader &reader) { walk(reader, opened->number); });
    if (status == HT_OK) *source = opened.release();
    return status;
  });
}

void HT_CALL close(void *source) {
  const std::unique_ptr<Source> closed(static_cast<Source *>(source));
  ht_ctx ctx;
  recorded(&ctx, [&] {
    WireWriter arguments;
    walk(arguments, closed->number);
    return closed->worker->order(ctx, Order::kClose, arguments);
  });
}

ht_status HT_CALL count(void *source, ht_ctx *ctx, std::uint64_t *samples) {
  return recorded(ctx, [&] {
    auto *from = static_cast<Source *>(source);
    WireWriter arguments;
    walk(arguments, from->number);
    return from->worker->order(*ctx, Order::kCount, arguments, [&](WireReader &reader) { walk(reader, *samples); });
  });
}

template <typename T>
ht_status ask_sample(Order what, void *source, ht_ctx *ctx, std::uint64_t index, T *out) {
  return recorded(ctx, [&] {
    auto *from = static_cast<Source *>(source);
    WireWriter arguments;
    walk(arguments, from->number);
    walk(arguments, index);
    return from->worker->order(*ctx, what, arguments, [&](WireReader &reader) { walk(reader, *out); });
  });
}

ht_status HT_CALL read(void *source, ht_ctx *ctx, std::uint64_t index, ht_tensor_view *sample) {
  return ask_sample(Order::kRead, source, ctx, index, sample);
}

ht_status HT_CALL name(void *source, ht_ctx *ctx, std::uint64_t index, ht_str *text) {
  return ask_sample(Order::kName, source, ctx, index, text);
}

}  // namespace

const ProxyFunctions &isolated_functions() {
  static constexpr ProxyFunctions kFunctions = {&create, &destroy, &run, &write, &open, &close, &count, &read, &name};
  return kFunctions;
}

}  // namespace halftone::host
