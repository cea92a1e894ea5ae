#include "fed_run.h"

namespace halftone::passes {
namespace {

struct FetchUser {
  const sdk::Host *host;
  const Fetch *fetch;
  std::size_t feeds;
};

ht_status HT_CALL fetch_views(void *raw, ht_ctx *ctx, std::uint32_t worker, std::uint64_t sample,
                              std::uint32_t reference, ht_tensor_view *views) noexcept {
  const auto *user = static_cast<const FetchUser *>(raw);
  return sdk::guarded(user->host->raw, ctx, [&] {
    (*user->fetch)(worker, sample, reference != 0, {views, user->feeds});
  });
}

}  // namespace

ht_execution_result run_fed(const sdk::Context &ctx, const sdk::SampleRun &run, const std::vector<ht_handle> &feeds,
                            std::uint64_t samples, const Fetch &fetch, sdk::SampleSink &sink) {
  if (ctx.host.execution == nullptr) {
    throw sdk::Failure(HT_PERMISSION_DENIED, "the component did not declare HT_CAP_EXECUTE");
  }
  FetchUser user{&ctx.host, &fetch, feeds.size()};
  ht_execution_source source{};
  source.struct_size = sizeof(source);
  source.user = &user;
  source.count = samples;
  source.fetch = fetch_views;
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
  options.feeds = {feeds.data(), feeds.size()};
  options.source = &source;
  sdk::detail::SinkUser sink_user{&ctx.host, &sink};
  const ht_execution_sink table = sdk::detail::sink_table(&sink_user);
  ht_execution_result result{};
  result.struct_size = sizeof(result);
  sdk::check(ctx.host.execution->run(ctx.raw, &options, &table, &result));
  return result;
}

}  // namespace halftone::passes
