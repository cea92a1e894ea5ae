// A pass runs a part of the model on values of its own.
#include <atomic>

#include "core/pipeline/parallel.h"
#include "tests/unit/pipeline/execution_bench.h"

namespace halftone::pipeline {
namespace {

// Feeds sample n of y with (n, -n, 1), for the float network with a hundred more.
struct Source {
  std::atomic<int> reference_calls{0};
  std::vector<std::vector<float>> rows = std::vector<std::vector<float>>(8);  // by worker
  std::vector<std::int64_t> shape = {1, 3};
  std::uint64_t refuse = ~std::uint64_t{0};
  ht_execution_source table(std::uint64_t count) {
    return {sizeof(ht_execution_source), 0, this, count,
            [](void *user, ht_ctx *, std::uint32_t worker, std::uint64_t sample, std::uint32_t reference,
               ht_tensor_view *views) -> ht_status {
              auto *self = static_cast<Source *>(user);
              if (sample >= self->refuse) return HT_DATA_LOSS;
              self->reference_calls += static_cast<int>(reference);
              const auto n = static_cast<float>(sample) + (reference != 0 ? 100.0F : 0.0F);
              self->rows.at(worker) = {n, -n, 1.0F};
              views[0].dtype = HT_F32;
              views[0].rank = 2;
              views[0].shape = self->shape.data();
              views[0].data = self->rows[worker].data();
              return HT_OK;
            }};
  }
};

ht_execution_options feed(const std::vector<ht_handle> &values, const std::vector<ht_handle> &feeds,
                          const ht_execution_source &source, std::uint32_t mode = HT_MODE_FLOAT) {
  ht_execution_options options = ask(values, mode);
  options.feeds = {feeds.data(), feeds.size()};
  options.source = &source;
  return options;
}

TEST_CASE("fed values take the place of the data, on any number of threads, reduced in order") {
  for (const std::uint32_t threads : {1U, 3U}) {
    Bench bench;
    bench.settings.threads = threads;
    Execution execution(bench.executor, nullptr, bench.settings);  // no data are needed
    auto ctx = bench.context(&execution);
    Source source;
    const ht_execution_source from = source.table(20);
    const std::vector<ht_handle> values = {bench.z}, feeds = {bench.y};
    const ht_execution_options options = feed(values, feeds, from);
    Seen seen;
    const ht_execution_sink sink = seen.sink();
    ht_execution_result result{};
    result.struct_size = sizeof(result);
    REQUIRE(table().run(&ctx, &options, &sink, &result) == HT_OK);
    CHECK(result.samples == 20);
    CHECK(result.workers == threads);
    REQUIRE(seen.order.size() == 20);
    for (std::uint64_t i = 0; i < 20; ++i) {
      CHECK(seen.order[i] == i);
      CHECK(seen.values.at(i).at(bench.z) == std::vector<float>{static_cast<float>(i), 0.0F, 1.0F});
    }
    std::uint64_t count = 0;
    REQUIRE(table().samples(&ctx, &options, &count) == HT_OK);
    CHECK(count == 20);
  }
}

TEST_CASE("first and limit choose fed samples, and quantizers behind the feed count") {
  Bench bench;
  bench.net.quantize(bench.net.producer(bench.z), false, 0, 0.75F);
  Execution execution = bench.execution();
  auto ctx = bench.context(&execution);
  Source source;
  const ht_execution_source from = source.table(20);
  const std::vector<ht_handle> values = {bench.z}, feeds = {bench.y};
  ht_execution_options options = feed(values, feeds, from, HT_MODE_SIMULATED);
  options.first = 5;
  options.limit = 2;
  Seen seen;
  const ht_execution_sink sink = seen.sink();
  REQUIRE(table().run(&ctx, &options, &sink, nullptr) == HT_OK);
  CHECK(seen.order == std::vector<std::uint64_t>{5, 6});
  CHECK(seen.values.at(5).at(bench.z) == std::vector<float>{5.25F, 0.0F, 0.75F});
}

TEST_CASE("the float network is fed for itself") {
  Bench bench;
  host::WorkingModel original = bench.net.working;
  bench.net.quantize(bench.net.producer(bench.z), false, 0, 0.75F);
  Execution execution = bench.execution();
  auto ctx = bench.context(&execution);
  ctx.original = &original;
  Source source;
  const ht_execution_source from = source.table(3);
  const std::vector<ht_handle> values = {bench.z}, feeds = {bench.y};
  ht_execution_options options = feed(values, feeds, from, HT_MODE_SIMULATED);
  options.references = options.values;
  struct Both : Seen {
    std::map<std::uint64_t, std::vector<float>> references;
  } seen;
  ht_execution_sink sink = seen.sink();
  sink.user = static_cast<Seen *>(&seen);
  sink.see_reference = [](void *user, ht_ctx *, std::uint32_t, std::uint64_t sample, ht_handle,
                          const ht_tensor_view *tensor) -> ht_status {
    auto *self = static_cast<Both *>(static_cast<Seen *>(user));
    const std::scoped_lock lock(self->mutex);
    self->references[sample] = calibration::row_major_floats(*tensor);
    return HT_OK;
  };
  REQUIRE(table().run(&ctx, &options, &sink, nullptr) == HT_OK);
  CHECK(source.reference_calls == 3);
  CHECK(seen.values.at(1).at(bench.z) == std::vector<float>{0.75F, 0.0F, 0.75F});
  CHECK(seen.references.at(1) == std::vector<float>{101.0F, 0.0F, 1.0F});
}

TEST_CASE("the first failure in order is told, and wrong requests are refused") {
  Bench bench;
  bench.settings.threads = 3;
  Execution execution = bench.execution();
  auto ctx = bench.context(&execution);
  Source source;
  source.refuse = 4;
  const ht_execution_source from = source.table(20);
  const std::vector<ht_handle> values = {bench.z}, feeds = {bench.y};
  Seen seen;
  const ht_execution_sink sink = seen.sink();
  ht_execution_options options = feed(values, feeds, from);
  CHECK(table().run(&ctx, &options, &sink, nullptr) == HT_DATA_LOSS);
  CHECK(seen.values.size() >= 4);
  ctx.forget_error();
  const std::vector<ht_handle> twice = {bench.y, bench.y};
  options = feed(values, twice, from);
  CHECK(table().run(&ctx, &options, &sink, nullptr) == HT_INVALID_ARGUMENT);
  REQUIRE(ctx.error);
  CHECK(ctx.error->message() == "value '" + bench.net.m().value(bench.y).name + "' is fed twice");
  ctx.forget_error();
  options = feed(values, feeds, from);
  options.source = nullptr;
  CHECK(table().run(&ctx, &options, &sink, nullptr) == HT_INVALID_ARGUMENT);
}

}  // namespace
}  // namespace halftone::pipeline
