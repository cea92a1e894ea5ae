// The services by which a pass runs the model over the data and shares out its own work.
#include "core/pipeline/execution.h"

#include <doctest/doctest.h>

#include <atomic>
#include <cmath>
#include <limits>

#include "core/calibration/statistics_key.h"
#include "core/pipeline/calibrator.h"
#include "core/pipeline/parallel.h"
#include "halftone/parallel.h"
#include "tests/unit/pipeline/execution_bench.h"

namespace halftone::pipeline {
namespace {

TEST_CASE("a pass sees the values it asks for, every sample once, reduced in order") {
  for (const std::uint32_t threads : {1U, 2U, 3U}) {
    Bench bench;
    bench.settings.threads = threads;
    Execution execution = bench.execution();
    auto ctx = bench.context(&execution);
    Seen seen;
    const std::vector<ht_handle> values = {bench.y, bench.x, bench.y};
    const ht_execution_options options = ask(values);
    const ht_execution_sink sink = seen.sink();
    ht_execution_result result{};
    result.struct_size = sizeof(result);
    REQUIRE(table().run(&ctx, &options, &sink, &result) == HT_OK);
    CHECK(result.samples == 7);
    CHECK(result.skipped == 0);
    CHECK(result.workers == threads);
    CHECK(seen.workers == threads);
    CHECK(*seen.used.rbegin() < threads);
    CHECK(seen.order == std::vector<std::uint64_t>{0, 1, 2, 3, 4, 5, 6});
    REQUIRE(seen.values.size() == 7);
    for (const auto &[sample, by_value] : seen.values) {
      const auto i = static_cast<float>(sample);
      REQUIRE(by_value.size() == 2);
      CHECK(by_value.at(bench.x) == std::vector<float>{i, -i, 0.5F});
      CHECK(by_value.at(bench.y) == std::vector<float>{i * 0.3F, -i * 0.3F, 0.5F * 0.3F});
    }
  }
}

TEST_CASE("first and limit choose samples, within those of the run") {
  Bench bench;
  bench.settings.limit = 5;
  Execution execution = bench.execution();
  auto ctx = bench.context(&execution);
  Seen seen;
  const std::vector<ht_handle> values = {bench.y};
  ht_execution_options options = ask(values);
  options.first = 3;
  options.limit = 9;
  std::uint64_t count = 0;
  REQUIRE(table().samples(&ctx, &options, &count) == HT_OK);
  CHECK(count == 2);
  const ht_execution_sink sink = seen.sink();
  REQUIRE(table().run(&ctx, &options, &sink, nullptr) == HT_OK);
  CHECK(seen.order == std::vector<std::uint64_t>{3, 4});
  options.first = 5;
  CHECK(table().run(&ctx, &options, &sink, nullptr) == HT_INVALID_ARGUMENT);
}

TEST_CASE("the pass's own edits are seen: quantizers, simulated or in the weights alone") {
  Bench bench;
  bench.net.quantize(bench.net.producer(bench.y), false, 0, 0.75F);
  bench.net.quantize(bench.net.producer(bench.y), false, 1, 0.25F);
  Execution execution = bench.execution();
  auto ctx = bench.context(&execution);
  const std::vector<ht_handle> values = {bench.y};
  const auto first_of_sample_2 = [&](ht_execution_options options) {
    Seen seen;
    const ht_execution_sink sink = seen.sink();
    REQUIRE(table().run(&ctx, &options, &sink, nullptr) == HT_OK);
    return seen.values.at(2).at(bench.y).front();
  };
  CHECK(first_of_sample_2(ask(values)) == 2 * 0.3F);
  ht_execution_options weights = ask(values);
  weights.quantized_weights = 1;
  CHECK(first_of_sample_2(weights) == 2 * 0.25F);
  CHECK(first_of_sample_2(ask(values, HT_MODE_SIMULATED)) == 2.25F * 0.25F);
}

TEST_CASE("bad samples are skipped before anything of them is seen, or end the run") {
  std::vector<std::vector<float>> data = Bench::numbered(5);
  data[2][1] = std::numeric_limits<float>::quiet_NaN();
  Bench bench(data);
  const std::vector<ht_handle> values = {bench.y};
  const ht_execution_options options = ask(values);
  {
    Execution execution = bench.execution();
    auto ctx = bench.context(&execution);
    Seen seen;
    const ht_execution_sink sink = seen.sink();
    CHECK(table().run(&ctx, &options, &sink, nullptr) == HT_DATA_LOSS);
  }
  bench.settings.on_bad_sample = calibration::BadSample::kSkip;
  Execution execution = bench.execution();
  auto ctx = bench.context(&execution);
  Seen seen;
  const ht_execution_sink sink = seen.sink();
  ht_execution_result result{};
  result.struct_size = sizeof(result);
  REQUIRE(table().run(&ctx, &options, &sink, &result) == HT_OK);
  CHECK(result.samples == 4);
  CHECK(result.skipped == 1);
  CHECK(seen.order == std::vector<std::uint64_t>{0, 1, 3, 4});
  CHECK(seen.values.size() == 4);
  // What the sink refuses is no bad sample.
  seen.refuse = 3;
  CHECK(table().run(&ctx, &options, &sink, nullptr) == HT_FAILED_PRECONDITION);
}

TEST_CASE("passes that share a ledger count the same samples, and a bad one is as good as not there") {
  std::vector<std::vector<float>> data = Bench::numbered(6);
  data[0][1] = data[2][1] = std::numeric_limits<float>::quiet_NaN();
  Bench bench(data);
  bench.settings.on_bad_sample = calibration::BadSample::kSkip;
  bench.settings.ledger = std::make_shared<calibration::SampleLedger>();
  Execution execution = bench.execution();
  auto ctx = bench.context(&execution);
  const std::vector<ht_handle> values = {bench.x};
  ht_execution_options options = ask(values);
  std::uint64_t count = 0;
  REQUIRE(table().samples(&ctx, &options, &count) == HT_OK);
  CHECK(count == 4);
  CHECK(bench.settings.ledger->screened({0, 6}));
  options.first = 1;
  options.limit = 2;
  REQUIRE(table().samples(&ctx, &options, &count) == HT_OK);
  CHECK(count == 2);
  Seen seen;
  const ht_execution_sink sink = seen.sink();
  ht_execution_result result{};
  result.struct_size = sizeof(result);
  REQUIRE(table().run(&ctx, &options, &sink, &result) == HT_OK);
  CHECK(result.samples == 2);
  CHECK(seen.order == std::vector<std::uint64_t>{1, 2});  // of 1, 3, 4, 5
}

TEST_CASE("behind the last good sample there is none, whether bad ones follow or not") {
  for (const bool bad_end : {false, true}) {
    std::vector<std::vector<float>> data = Bench::numbered(6);
    if (bad_end) data[4][1] = data[5][1] = std::numeric_limits<float>::quiet_NaN();
    Bench bench(data);
    bench.settings.on_bad_sample = calibration::BadSample::kSkip;
    bench.settings.ledger = std::make_shared<calibration::SampleLedger>();
    Execution execution = bench.execution();
    auto ctx = bench.context(&execution);
    host::ExecutionRequest request;
    request.values = {bench.x};
    request.first = bad_end ? 4 : 6;
    CHECK(execution.samples(ctx, request) == 0);
    CHECK(message_of([&] { execution.run(ctx, request, {}); }) ==
          (bad_end ? "there is no sample from number 4 on" : "there is no sample from number 6 on"));
    --request.first;
    host::ExecutionReceiver receiver;
    receiver.see = [](auto &&...) {};
    CHECK(execution.run(ctx, request, receiver).samples == 1);
  }
}

TEST_CASE("a further pass for watches keeps to the memory budget") {
  struct Nothing final : calibration::Gatherer {
    void observe(host::Context &, const ht_tensor_view &) override {}
    void merge(host::Context &, const calibration::Gatherer &) override {}
  };
  Bench bench;
  const auto ctx = bench.context();
  calibration::Watches watches(1);
  watches[0].value = bench.y;
  watches[0].make = [](host::Context &) { return std::make_unique<Nothing>(); };
  watches[0].total = std::make_unique<Nothing>();
  CHECK_NOTHROW(run_watch_pass(bench.executor, ctx, *bench.dataset, bench.settings, {}, 1, watches));
  bench.settings.memory_budget = 1 << 20;
  CHECK_THROWS_WITH_AS(run_watch_pass(bench.executor, ctx, *bench.dataset, bench.settings, {}, 1, watches),
                       doctest::Contains("the memory budget of 1 MiB is too small"), Error);
}

TEST_CASE("references are of the model before the pass, in float, on the same samples") {
  for (const bool skip : {false, true}) {
    Bench bench;
    if (skip) bench.settings.on_bad_sample = calibration::BadSample::kSkip;
    host::WorkingModel before = bench.net.working;
    const ht_handle weight = bench.net.m().node(bench.net.producer(bench.y)).inputs[1];
    bench.net.m().set_initializer(weight, model::Tensor::from_floats({1}, std::vector<float>{2}));
    Execution execution = bench.execution();
    auto ctx = bench.context(&execution);
    ctx.original = &before;
    Seen seen;
    static std::map<std::uint64_t, float> old;
    old.clear();
    static std::mutex mutex;
    const std::vector<ht_handle> values = {bench.y};
    ht_execution_options options = ask(values);
    options.references = options.values;
    ht_execution_sink sink = seen.sink();
    sink.see_reference = [](void *, ht_ctx *, std::uint32_t, std::uint64_t sample, ht_handle,
                            const ht_tensor_view *tensor) -> ht_status {
      const std::scoped_lock lock(mutex);
      old[sample] = *static_cast<const float *>(tensor->data);
      return HT_OK;
    };
    REQUIRE(table().run(&ctx, &options, &sink, nullptr) == HT_OK);
    CHECK(old.at(3) == 3 * 0.3F);
    CHECK(seen.values.at(3).at(bench.y).front() == 6);
    CHECK(old.size() == 7);
    sink.see_reference = nullptr;
    CHECK(table().run(&ctx, &options, &sink, nullptr) == HT_INVALID_ARGUMENT);
  }
}

TEST_CASE("without data, and for values that cannot be seen, the error says what to do") {
  Bench bench;
  host::ExecutionRequest request;
  request.values = {bench.y};
  auto ctx = bench.context();
  Execution none(bench.executor, nullptr, bench.settings);
  CHECK(none.samples(ctx, request) == 0);
  CHECK(message_of([&] { none.run(ctx, request, {}); }) ==
        "pass 'a-pass' runs the model on samples and needs calibration data; give `calibration:` with a path, or "
        "--calibration PATH");
  Execution from_file(bench.executor, nullptr, bench.settings, "a.htstats");
  CHECK(message_of([&] { from_file.run(ctx, request, {}); }) ==
        "pass 'a-pass' runs the model on samples, and 'a.htstats' holds statistics of the float model only; give the "
        "calibration data instead of --stats-in");
  Execution execution = bench.execution();
  request.values = {bench.net.m().node(bench.net.producer(bench.y)).inputs[1]};
  CHECK(message_of([&] { execution.run(ctx, request, {}); }) == "value 'c' is a stored tensor; read it from the graph");
  request.values = {};
  CHECK(message_of([&] { execution.run(ctx, request, {}); }) == "no value was asked for");
}

TEST_CASE("cancellation ends a pass") {
  Bench bench;
  const std::atomic<bool> cancelled{true};
  Execution execution = bench.execution();
  auto ctx = bench.context(&execution);
  ctx.sinks.cancelled = &cancelled;
  Seen seen;
  const std::vector<ht_handle> values = {bench.y};
  const ht_execution_options options = ask(values);
  const ht_execution_sink sink = seen.sink();
  CHECK(table().run(&ctx, &options, &sink, nullptr) == HT_CANCELLED);
}

TEST_CASE("statistics of the simulated network have a key of their own and never come from a file") {
  Bench bench;
  bench.net.quantize(bench.net.producer(bench.y), false, 0, 0.75F);
  ht_statistics_request request{};
  request.struct_size = sizeof(request);
  request.value = bench.y;
  ht_collect_options options{};
  options.struct_size = sizeof(options);
  auto ctx = bench.context();
  Calibrator calibrator(bench.registry, bench.executor, bench.dataset.get(), bench.settings);
  calibrator.collect(ctx, {&request, 1}, options);
  CHECK(calibrator.statistics(ctx, bench.y)->maximum == 6 * 0.3F);
  options.mode = HT_MODE_SIMULATED;
  calibrator.collect(ctx, {&request, 1}, options);
  CHECK(calibrator.statistics(ctx, bench.y)->maximum == 6 * 0.3F);  // 6 lies on the grid, 0.5 does not
  CHECK(calibrator.statistics(ctx, bench.y)->minimum == -6 * 0.3F);
  const Digest before = calibration::simulated_digest(bench.net.working);
  CHECK(!(before == calibration::executed_digest(bench.net.working, false)));
  CHECK(!(before == calibration::executed_digest(bench.net.working, true)));
  bench.net.quantize(bench.net.producer(bench.z), true, 0, 0.75F);
  CHECK(!(before == calibration::simulated_digest(bench.net.working)));
  GivenStatistics given;
  given.path = "a.htstats";
  Calibrator from_file(bench.registry, bench.executor, nullptr, bench.settings, &given);
  CHECK(message_of([&] {
          from_file.collect(ctx, {&request, 1}, options);
        }).find("float model only") != std::string::npos);
}

TEST_CASE("pieces of work: each once, workers within their number, the first failure told") {
  CalibrationSettings settings;
  settings.threads = 3;
  Parallel parallel(settings);
  host::Context ctx;
  ctx.component = "a-pass";
  ctx.parallel = &parallel;
  const auto *threads = static_cast<const ht_parallel *>(host::find_service(HT_PARALLEL_1, HT_CAP_THREADS));
  CHECK(host::find_service(HT_PARALLEL_1, 0) == nullptr);
  std::uint32_t workers = 0;
  REQUIRE(threads->workers(&ctx, 100, nullptr, &workers) == HT_OK);
  CHECK(workers == 3);
  std::vector<std::atomic<int>> done(100);
  const ht_parallel_body mark = [](void *user, ht_ctx *, std::uint32_t worker, std::uint64_t index) -> ht_status {
    if (worker > 2) return HT_INTERNAL;
    ++(*static_cast<std::vector<std::atomic<int>> *>(user))[index];
    return HT_OK;
  };
  REQUIRE(threads->for_each(&ctx, done.size(), nullptr, mark, &done) == HT_OK);
  for (const std::atomic<int> &count : done) CHECK(count == 1);
  const ht_parallel_body fail_late = [](void *, ht_ctx *, std::uint32_t, std::uint64_t index) -> ht_status {
    return index == 40 ? HT_NOT_FOUND : index > 40 ? HT_INTERNAL : HT_OK;
  };
  CHECK(threads->for_each(&ctx, 100, nullptr, fail_late, nullptr) == HT_NOT_FOUND);
  CHECK(threads->for_each(&ctx, 0, nullptr, fail_late, nullptr) == HT_OK);
}

TEST_CASE("blocked and strided views become row-major without their padding") {
  const std::vector<float> blocked = {0, 1, 2, 3, 4, 5, -1, -1};  // 3 channels of 2 in blocks of 2: nChw2c
  const std::vector<std::int64_t> shape = {1, 3, 2};
  ht_tensor_view view{};
  view.struct_size = sizeof(view);
  view.dtype = HT_F32;
  view.rank = 3;
  view.shape = shape.data();
  view.data = const_cast<float *>(blocked.data());
  view.block_axis = 1;
  view.block_size = 2;
  CHECK(!calibration::is_row_major(view));
  CHECK(calibration::row_major_floats(view) == std::vector<float>{0, 2, 1, 3, 4, -1});
  const std::vector<std::int64_t> transposed = {2, 3}, strides = {1, 2};
  view.rank = 2;
  view.shape = transposed.data();
  view.strides = strides.data();
  view.block_size = 0;
  CHECK(calibration::row_major_floats(view) == std::vector<float>{0, 2, 4, 1, 3, 5});
  view.strides = nullptr;
  CHECK(calibration::is_row_major(view));
}

}  // namespace
}  // namespace halftone::pipeline
