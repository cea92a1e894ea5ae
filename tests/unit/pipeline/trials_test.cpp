// The service by which a pass quantizes single operators on trial.
#include "halftone/trial.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <map>
#include <mutex>

#include "core/calibration/row_major.h"
#include "core/host/kernel_index.h"
#include "core/host/service/services.h"
#include "core/pipeline/execution.h"
#include "tests/unit/pipeline/load_executors.h"
#include "tests/unit/pipeline/written_samples.h"
#include "tests/unit/reference/small_net.h"

namespace halftone::pipeline {
namespace {

// x -> Mul(0.3) -> a -> Mul(2) -> b, and x -> Add(a) -> c: b does not see what happens at the Add.
struct TrialBench {
  host::Registry registry = load();
  host::KernelIndex kernels{registry};
  test::SmallNet net;
  model::Handle x, a, b, c;
  std::unique_ptr<test::WrittenSamples> samples;
  std::unique_ptr<calibration::Dataset> dataset;
  host::Context creation;
  host::Instance executor{registry.get(HT_KIND_EXECUTOR, "reference"), nullptr, creation};
  CalibrationSettings settings;

  explicit TrialBench(std::vector<std::vector<float>> values = {{1, 2}, {3, -4}, {5, 0.5F}, {7, 1}}) {
    x = net.input("x");
    model::ValueType type;
    type.dtype = HT_F32;
    type.has_shape = true;
    type.dims = {{1, {}}, {2, {}}};
    net.m().set_type(x, type);
    a = net.node("Mul", {x, net.floats({1}, {0.3F})});
    b = net.node("Mul", {a, net.floats({1}, {2})});
    c = net.node("Add", {x, a});
    net.m().mark_output(b);
    net.m().mark_output(c);
    samples = std::make_unique<test::WrittenSamples>(std::vector<std::int64_t>{2}, values);
    calibration::InputSource source;
    source.input = "x";
    source.path = samples->path();
    dataset = std::make_unique<calibration::Dataset>(registry, net.m(), std::vector{source});
  }
  Execution execution() { return Execution(executor, dataset.get(), settings); }
  model::Handle producer(model::Handle value) const { return net.working.model.value(value).producer; }
};

struct PassContext : host::Context {
  PassContext(TrialBench &bench, Execution *service) {
    working = &bench.net.working;
    kernels = &bench.kernels;
    component = "a-pass";
    execution = service;
  }
};

ht_quant_spec eight_bits() {
  ht_quant_spec spec{};
  spec.struct_size = sizeof(spec);
  spec.kind = HT_QUANT_INTEGER;
  spec.bits = 8;
  spec.is_signed = 1;
  spec.quant_min = -128;
  spec.quant_max = 127;
  spec.symmetry = HT_SYMMETRIC;
  spec.granularity = HT_PER_TENSOR;
  spec.scale_form = HT_SCALE_FREE;
  spec.span = HT_SPAN_NARROW;
  spec.rounding = HT_ROUND_HALF_EVEN;
  spec.visibility = HT_EXPORT_WHEN_ACTIVE;
  return spec;
}

const ht_trial_runs &trial_table() {
  return *static_cast<const ht_trial_runs *>(host::find_service(HT_TRIAL_1, HT_CAP_EXECUTE));
}

// What a sink saw: by sample, trial and value.
struct SeenTrials {
  std::mutex mutex;
  std::map<std::uint64_t, std::map<std::uint32_t, std::map<ht_handle, std::vector<float>>>> values;
  std::vector<std::uint64_t> order;

  ht_trial_sink sink() {
    ht_trial_sink sink{};
    sink.struct_size = sizeof(sink);
    sink.user = this;
    sink.see = [](void *user, ht_ctx *, std::uint32_t, std::uint64_t sample, std::uint32_t trial, ht_handle value,
                  const ht_tensor_view *tensor) -> ht_status {
      auto *self = static_cast<SeenTrials *>(user);
      const std::scoped_lock lock(self->mutex);
      self->values[sample][trial][value] = calibration::row_major_floats(*tensor);
      return HT_OK;
    };
    sink.reduce = [](void *user, ht_ctx *, std::uint64_t sample) -> ht_status {
      static_cast<SeenTrials *>(user)->order.push_back(sample);
      return HT_OK;
    };
    return sink;
  }
};

// One input slot with one scale.
struct OneSlot {
  ht_quant_spec spec = eight_bits();
  float scale;
  std::int32_t zero = 0;
  ht_trial_slot slot{};
  ht_trial trial{};
  OneSlot(ht_handle node, std::uint32_t number, float s) : scale(s) {
    slot = {sizeof(slot), HT_SLOT_INPUT, node, number, 0, &spec, &scale, &zero, 1};
    trial = {sizeof(trial), 0, &slot, 1};
  }
  OneSlot(const OneSlot &) = delete;
  OneSlot &operator=(const OneSlot &) = delete;
};

ht_trial_options ask(const std::vector<ht_handle> &values, const std::vector<ht_trial> &trials) {
  ht_trial_options options{};
  options.struct_size = sizeof(options);
  options.values = {values.data(), values.size()};
  options.trials = trials.data();
  options.trial_count = trials.size();
  return options;
}

TEST_CASE("a trial quantizes its slots alone, and only values behind them are handed over") {
  for (const std::uint32_t threads : {1U, 3U}) {
    TrialBench bench;
    bench.settings.threads = threads;
    // Live configs of the model have no part in it.
    bench.net.quantize(bench.producer(bench.b), false, 0, 8.0F);
    Execution execution = bench.execution();
    PassContext ctx(bench, &execution);
    const OneSlot weight(bench.producer(bench.a), 1, 0.25F), input(bench.producer(bench.c), 0, 2.0F);
    const std::vector<ht_handle> values = {bench.b, bench.c};
    const std::vector<ht_trial> trials = {weight.trial, input.trial};
    const ht_trial_options options = ask(values, trials);
    SeenTrials seen;
    const ht_trial_sink sink = seen.sink();
    ht_execution_result result{};
    result.struct_size = sizeof(result);
    REQUIRE(trial_table().run(&ctx, &options, &sink, &result) == HT_OK);
    CHECK(result.samples == 4);
    CHECK(seen.order == std::vector<std::uint64_t>{0, 1, 2, 3});
    for (const std::uint64_t sample : {0U, 1U, 2U, 3U}) {
      const float x = std::vector<float>{1, 3, 5, 7}[sample];
      auto &by_trial = seen.values.at(sample);
      REQUIRE(by_trial.size() == 3);
      CHECK(by_trial.at(HT_TRIAL_NONE).at(bench.b)[0] == x * 0.3F * 2);
      CHECK(by_trial.at(HT_TRIAL_NONE).at(bench.c)[0] == x + x * 0.3F);
      CHECK(by_trial.at(0).at(bench.b)[0] == x * 0.25F * 2);
      CHECK(by_trial.at(0).at(bench.c)[0] == x + x * 0.25F);
      REQUIRE(by_trial.at(1).size() == 1);
      CHECK(by_trial.at(1).at(bench.c)[0] == 2 * std::nearbyint(x / 2) + x * 0.3F);
    }
  }
}

TEST_CASE("a trial that reaches no value is none; a budget needs an executor that says what it takes") {
  TrialBench bench;
  Execution execution = bench.execution();
  PassContext ctx(bench, &execution);
  const OneSlot weight(bench.producer(bench.a), 1, 0.25F), input(bench.producer(bench.c), 0, 2.0F);
  const std::vector<ht_handle> values = {bench.b};
  const std::vector<ht_trial> trials = {weight.trial, input.trial};
  const ht_trial_options options = ask(values, trials);
  SeenTrials seen;
  const ht_trial_sink sink = seen.sink();
  REQUIRE(trial_table().run(&ctx, &options, &sink, nullptr) == HT_OK);
  CHECK(seen.values.at(3).at(0).at(bench.b)[0] == 7 * 0.25F * 2);
  CHECK(!seen.values.at(3).contains(1));  // c is not looked at
  bench.settings.memory_budget = std::uint64_t{1} << 34;
  Execution limited = bench.execution();
  PassContext limited_ctx(bench, &limited);
  CHECK(trial_table().run(&limited_ctx, &options, &sink, nullptr) == HT_UNIMPLEMENTED);
}

TEST_CASE("what cannot be tried is refused before anything runs") {
  TrialBench bench;
  Execution execution = bench.execution();
  const std::vector<ht_handle> values = {bench.b};
  const auto refused = [&](const std::vector<ht_trial> &trials, std::string_view words,
                           const std::vector<ht_handle> &at) {
    PassContext ctx(bench, &execution);
    const ht_trial_options options = ask(at, trials);
    SeenTrials seen;
    const ht_trial_sink sink = seen.sink();
    CHECK(trial_table().run(&ctx, &options, &sink, nullptr) == HT_INVALID_ARGUMENT);
    REQUIRE(ctx.error);
    CHECK(std::string(ctx.error->what()).find(words) != std::string::npos);
    CHECK(seen.values.empty());
  };
  const OneSlot third(bench.producer(bench.a), 2, 1.0F), negative(bench.producer(bench.a), 1, -1.0F);
  const OneSlot good(bench.producer(bench.a), 1, 0.25F);
  refused({third.trial}, "has no input 2", values);
  refused({negative.trial}, "scale", values);
  refused({{sizeof(ht_trial), 0, nullptr, 0}}, "quantizes nothing", values);
  refused({good.trial}, "no operator makes the value 'x'", {bench.x});
  refused({good.trial}, "no value was asked for", {});
}

TEST_CASE("bad samples are skipped before anything of them is seen, and their labels with them") {
  TrialBench bench({{1, 2}, {std::numeric_limits<float>::quiet_NaN(), 0}, {5, 0}});
  bench.settings.on_bad_sample = calibration::BadSample::kSkip;
  bench.settings.ledger = std::make_shared<calibration::SampleLedger>();
  Execution execution = bench.execution();
  execution.labels_from([] { return std::vector<std::int64_t>{7, 8, 9}; });
  PassContext ctx(bench, &execution);
  const OneSlot weight(bench.producer(bench.a), 1, 0.25F);
  const std::vector<ht_handle> values = {bench.b};
  const std::vector<ht_trial> trials = {weight.trial};
  const ht_trial_options options = ask(values, trials);
  SeenTrials seen;
  const ht_trial_sink sink = seen.sink();
  REQUIRE(trial_table().run(&ctx, &options, &sink, nullptr) == HT_OK);
  CHECK(seen.order == std::vector<std::uint64_t>{0, 1});
  CHECK(seen.values.at(1).at(0).at(bench.b)[0] == 5 * 0.25F * 2);
  ht_i64s labels{};
  REQUIRE(trial_table().labels(&ctx, &labels) == HT_OK);
  CHECK(std::vector<std::int64_t>(labels.data, labels.data + labels.size) == std::vector<std::int64_t>{7, 9});
}

}  // namespace
}  // namespace halftone::pipeline
