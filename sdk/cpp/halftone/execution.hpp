// Running the working model over the calibration data in C++, over "ht.execution/1"; pieces of work on the run's
// threads, over "ht.parallel/1". Failures throw.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
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
  std::vector<ht_handle> feeds;  // of run_fed_samples()
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

// Where fed values come from. Derive. fetch() is [worker]: it fills a view for each of SampleRun::feeds, plain
// contiguous, whose data stay until the next call for the same worker; `reference`: for the run of the float network.
class SampleSource {
 public:
  virtual ~SampleSource() = default;
  virtual std::uint64_t count() const = 0;
  virtual void fetch(const Context &ctx, std::uint32_t worker, std::uint64_t sample, bool reference,
                     std::span<ht_tensor_view> views) = 0;
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

struct SourceUser {
  const Host *host;
  SampleSource *source;
  std::size_t feeds;
};

inline ht_execution_source source_table(SourceUser *user) {
  ht_execution_source table{};
  table.struct_size = sizeof(table);
  table.user = user;
  table.count = user->source->count();
  table.fetch = [](void *raw, ht_ctx *ctx, std::uint32_t worker, std::uint64_t sample, std::uint32_t reference,
                   ht_tensor_view *views) noexcept -> ht_status {
    auto *self = static_cast<SourceUser *>(raw);
    return guarded(self->host->raw, ctx, [&] {
      self->source->fetch(Context(*self->host, ctx), worker, sample, reference != 0, {views, self->feeds});
    });
  };
  return table;
}

inline ht_execution_result run_samples(const Context &ctx, const SampleRun &run, SampleSink &sink,
                                       const ht_execution_source *source) {
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
  options.feeds = {run.feeds.data(), run.feeds.size()};
  options.source = source;
  SinkUser user{&ctx.host, &sink};
  const ht_execution_sink table = sink_table(&user);
  ht_execution_result result{};
  result.struct_size = sizeof(result);
  check(ctx.host.execution->run(ctx.raw, &options, &table, &result));
  return result;
}

}  // namespace detail

inline ht_execution_result run_samples(const Context &ctx, const SampleRun &run, SampleSink &sink) {
  return detail::run_samples(ctx, run, sink, nullptr);
}

// The part of the model between run.feeds and run.values, on samples of the pass's own. Needs a host of ABI 1.1.
inline ht_execution_result run_fed_samples(const Context &ctx, const SampleRun &run, SampleSource &source,
                                           SampleSink &sink) {
  if (ctx.host.raw->abi_minor < 1) throw Failure(HT_UNIMPLEMENTED, "this host cannot be fed; it has ABI 1.0");
  detail::SourceUser user{&ctx.host, &source, run.feeds.size()};
  const ht_execution_source table = detail::source_table(&user);
  return detail::run_samples(ctx, run, sink, &table);
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
