// Running the working model over the calibration data in C++, over "ht.execution/1"; pieces of work on the run's
// threads, over "ht.parallel/1". Failures throw.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "halftone/host.hpp"

namespace halftone::sdk {

// What a pass over the data is asked for; see ht_execution_options.
struct SampleRun {
  std::uint32_t mode = HT_MODE_FLOAT;
  bool quantized_weights = false;
  bool plain = true;
  std::vector<ht_handle> values;
  std::vector<ht_handle> references;  // of the float network
  std::uint64_t first = 0, limit = 0;
  std::uint64_t sink_bytes = 0, sink_worker_bytes = 0;
};

// Derive. see() and see_reference() are [worker], reduce() is called in sample order, one call at a time.
class SampleSink {
 public:
  virtual ~SampleSink() = default;
  virtual void prepare(std::uint32_t /*workers*/) {}
  virtual void see(const Context &ctx, std::uint32_t worker, std::uint64_t sample, ht_handle value,
                   const ht_tensor_view &tensor) = 0;
  virtual void see_reference(const Context & /*ctx*/, std::uint32_t /*worker*/, std::uint64_t /*sample*/,
                             ht_handle /*value*/, const ht_tensor_view & /*tensor*/) {}
  virtual void reduce(std::uint64_t /*sample*/) {}
};

namespace detail {

struct SinkUser {
  const Host *host;
  SampleSink *sink;
};

inline ht_execution_sink sink_table(SinkUser *user) {
  ht_execution_sink table{};
  table.struct_size = sizeof(table);
  table.user = user;
  table.prepare = [](void *raw, ht_ctx *ctx, std::uint32_t workers) noexcept -> ht_status {
    auto *self = static_cast<SinkUser *>(raw);
    return guarded(self->host->raw, ctx, [&] { self->sink->prepare(workers); });
  };
  table.see = [](void *raw, ht_ctx *ctx, std::uint32_t worker, std::uint64_t sample, ht_handle value,
                 const ht_tensor_view *tensor) noexcept -> ht_status {
    auto *self = static_cast<SinkUser *>(raw);
    return guarded(self->host->raw, ctx,
                   [&] { self->sink->see(Context(*self->host, ctx), worker, sample, value, *tensor); });
  };
  table.reduce = [](void *raw, ht_ctx *ctx, std::uint64_t sample) noexcept -> ht_status {
    auto *self = static_cast<SinkUser *>(raw);
    return guarded(self->host->raw, ctx, [&] { self->sink->reduce(sample); });
  };
  table.see_reference = [](void *raw, ht_ctx *ctx, std::uint32_t worker, std::uint64_t sample, ht_handle value,
                           const ht_tensor_view *tensor) noexcept -> ht_status {
    auto *self = static_cast<SinkUser *>(raw);
    return guarded(self->host->raw, ctx,
                   [&] { self->sink->see_reference(Context(*self->host, ctx), worker, sample, value, *tensor); });
  };
  return table;
}

}  // namespace detail

inline ht_execution_result run_samples(const Context &ctx, const SampleRun &run, SampleSink &sink) {
  if (ctx.host.execution == nullptr) {
    throw Failure(HT_PERMISSION_DENIED, "the component did not declare HT_CAP_EXECUTE");
  }
  ht_execution_options options{};
  options.struct_size = sizeof(options);
  options.mode = run.mode;
  options.quantized_weights = run.quantized_weights ? 1 : 0;
  options.plain = run.plain ? 1 : 0;
  options.values = {run.values.data(), run.values.size()};
  options.references = {run.references.data(), run.references.size()};
  options.first = run.first;
  options.limit = run.limit;
  options.sink_bytes = run.sink_bytes;
  options.sink_worker_bytes = run.sink_worker_bytes;
  detail::SinkUser user{&ctx.host, &sink};
  const ht_execution_sink table = detail::sink_table(&user);
  ht_execution_result result{};
  result.struct_size = sizeof(result);
  check(ctx.host.execution->run(ctx.raw, &options, &table, &result));
  return result;
}

// body(own, worker, index) for 0 .. count - 1, on all threads of the run. What a piece leaves must depend on its index
// alone.
using Piece = std::function<void(const Context &own, std::uint32_t worker, std::uint64_t index)>;

inline void for_each_piece(const Context &ctx, std::uint64_t count, std::uint64_t worker_bytes, const Piece &body) {
  if (ctx.host.parallel == nullptr) {
    throw Failure(HT_PERMISSION_DENIED, "the component did not declare HT_CAP_THREADS");
  }
  struct User {
    const Host *host;
    const Piece *body;
  } user{&ctx.host, &body};
  ht_parallel_options options{};
  options.struct_size = sizeof(options);
  options.worker_bytes = worker_bytes;
  check(ctx.host.parallel->for_each(
      ctx.raw, count, &options,
      [](void *raw, ht_ctx *own, std::uint32_t worker, std::uint64_t index) noexcept -> ht_status {
        auto *self = static_cast<User *>(raw);
        return guarded(self->host->raw, own, [&] { (*self->body)(Context(*self->host, own), worker, index); });
      },
      &user));
}

}  // namespace halftone::sdk
