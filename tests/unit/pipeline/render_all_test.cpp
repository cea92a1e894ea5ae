// Many configs rendered at once by the calibration service, with an observer of the test's own.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <thread>

#include "core/pipeline/calibrator.h"
#include "halftone/observer.h"
#include "tests/unit/host/sample_plugin.h"
#include "tests/unit/reference/small_net.h"

namespace halftone::pipeline {
namespace {

// What the observer below does and sees.
struct Behaviour {
  std::atomic<int> inside{0}, most_inside{0}, calls{0};
  std::atomic<bool> cancelled{false};
  int cancel_after = 0;  // calls; 0: never
  const ht_host *host = nullptr;
};
Behaviour *behaviour = nullptr;

ht_status HT_CALL make(const ht_host *host, ht_ctx *, const ht_value *, std::uint64_t, void **instance) {
  behaviour->host = host;
  *instance = nullptr;
  return HT_OK;
}

// The range of the values, widened by what the histogram's bins say. Tensors with a maximum of 1000 and more are
// refused; the larger the number, the sooner, so that a later one fails first in time.
ht_status HT_CALL derive(void *, ht_ctx *ctx, const ht_statistics *statistics, const ht_quant_spec *,
                         std::uint64_t count, float *low, float *high, ht_str *rule) {
  const int now = ++behaviour->inside;
  for (int most = behaviour->most_inside; now > most && !behaviour->most_inside.compare_exchange_weak(most, now);) {
  }
  if (++behaviour->calls == behaviour->cancel_after) behaviour->cancelled = true;
  const float top = statistics->maximum;
  if (top < 1100) std::this_thread::sleep_for(std::chrono::milliseconds(top >= 1000 ? 20 : 1));
  ht_status status = HT_OK;
  const std::string text = "maximum " + std::to_string(top);
  const ht_str said = {text.data(), text.size()};
  behaviour->host->log(ctx, HT_LOG_WARNING, &said);
  if (top >= 1000) status = behaviour->host->fail(ctx, HT_INVALID_ARGUMENT, &said, HT_NONE);
  for (std::uint64_t i = 0; i < count; ++i) {
    low[i] = count == 1 ? statistics->minimum : statistics->channel_minimum[i];
    high[i] = (count == 1 ? top : statistics->channel_maximum[i]) + static_cast<float>(statistics->bin_count) / 4096;
  }
  *rule = {"test", 4};
  --behaviour->inside;
  return status;
}

struct Bench {
  Behaviour now;
  ht_observer table = {sizeof(ht_observer),
                       HT_WANT_HISTOGRAM,
                       HT_WANT_CHANNEL_RANGE,
                       0,
                       derive,
                       nullptr,
                       nullptr,
                       nullptr,
                       nullptr,
                       nullptr};
  host::SamplePlugin plugin{"bounds"};
  host::Registry registry;
  test::SmallNet net;
  std::vector<model::Handle> configs;
  std::vector<std::string> said;

  explicit Bench(std::uint32_t threading = HT_THREADING_FREE) {
    behaviour = &now;
    plugin.component.kind = HT_KIND_OBSERVER;
    plugin.component.threading = threading;
    plugin.component.param_count = 0;
    plugin.component.create = make;
    plugin.role.id = HT_OBSERVER_1;
    plugin.role.table = &table;
    registry.add(&plugin.plugin, {});
  }

  void add(std::vector<float> values, bool per_channel = false) {
    const model::Handle weight = net.floats({2, static_cast<std::int64_t>(values.size() / 2)}, values);
    const model::Handle out = net.node("Relu", {weight});
    ht_quant_spec spec = test::SmallNet::int8_spec();
    if (per_channel) spec.granularity = HT_PER_CHANNEL;
    const quant::SlotKey key{net.m().value(out).producer, false, 0};
    configs.push_back(net.working.configs.create(key, spec, quant::State::kInitial));
  }
  void add_many(int count) {
    for (int i = 0; i < count; ++i) {
      std::vector<float> values(64);
      for (std::size_t k = 0; k < values.size(); ++k)
        values[k] = std::sin(static_cast<float>(k) * static_cast<float>(i + 3)) * static_cast<float>(1 + i);
      add(std::move(values), i % 3 == 0);
    }
  }

  std::vector<std::uint32_t> render(std::uint32_t threads) {
    host::Context ctx;
    ctx.working = &net.working;
    ctx.component = "some-pass";
    ctx.sinks.cancelled = &now.cancelled;
    ctx.sinks.log = [this](const host::LogLine &line) { said.push_back(line.text); };
    const host::Instance executor(registry.get(HT_KIND_OBSERVER, "bounds"), nullptr, ctx);  // nothing is executed
    CalibrationSettings settings;
    settings.threads = threads;
    Calibrator calibrator(registry, executor, nullptr, settings);
    return calibrator.render_all(ctx, configs, "bounds");
  }
  // All that rendering left behind.
  std::string outcome() const {
    std::string text;
    for (const model::Handle handle : configs) {
      const quant::Config &config = net.working.configs.get(handle);
      text +=
          std::string(quant::state_name(config.state)) + " " + config.provenance.pass + " " + config.provenance.rule;
      for (const float scale : config.scales) text += fmt::format(" {}", scale);
      text += '\n';
    }
    for (const std::string &line : said) text += line + '\n';
    return text;
  }
};

std::string rendered_by(std::uint32_t threads) {
  Bench bench;
  bench.add_many(40);
  CHECK(std::ranges::count(bench.render(threads), 1U) == 40);
  return bench.outcome();
}

// An accumulator that counts: how often it was begun, and what it saw.
struct Tally {
  int passes = 0;
  float largest = 0;
};
int wanted_passes = 0;

ht_status HT_CALL begin_tally(void *, ht_ctx *, const ht_quant_spec *, const ht_statistics *statistics,
                              const void *previous, void **accumulator) {
  const int before = previous == nullptr ? 0 : static_cast<const Tally *>(previous)->passes;
  const bool first = statistics == nullptr;
  *accumulator = first || before == wanted_passes ? nullptr : new Tally{before + 1, 0};
  return HT_OK;
}
ht_status HT_CALL observe_tally(void *, ht_ctx *, void *accumulator, const ht_tensor_view *tensor) {
  const float *values = static_cast<const float *>(tensor->data);
  std::int64_t count = 1;
  for (std::uint32_t k = 0; k < tensor->rank; ++k) count *= tensor->shape[k];
  for (std::int64_t i = 0; i < count; ++i) {
    float &largest = static_cast<Tally *>(accumulator)->largest;
    largest = std::max(largest, values[i]);
  }
  return HT_OK;
}
ht_status HT_CALL merge_tally(void *, ht_ctx *, void *, const void *) {
  return HT_INTERNAL;  // one tensor is never merged
}
ht_status HT_CALL finish_tally(void *, ht_ctx *, const void *accumulator, const ht_statistics *, const ht_quant_spec *,
                               std::uint64_t count, float *low, float *high, ht_str *rule) {
  const auto *tally = static_cast<const Tally *>(accumulator);
  std::fill_n(low, count, 0.0F);
  std::fill_n(high, count, tally->largest * static_cast<float>(tally->passes));
  *rule = {"tally", 5};
  return HT_OK;
}
void HT_CALL release_tally(void *, void *accumulator) {
  delete static_cast<Tally *>(accumulator);
}

void accumulate(Bench &bench, int passes) {
  wanted_passes = passes;
  bench.table.begin = begin_tally;
  bench.table.observe = observe_tally;
  bench.table.merge = merge_tally;
  bench.table.finish = finish_tally;
  bench.table.release = release_tally;
}

TEST_CASE("an observer of parameters is given the tensor as often as it asks") {
  for (const int passes : {1, 3, 15}) {
    Bench bench;
    accumulate(bench, passes);
    bench.add({-1, 1.27F});
    bench.render(2);
    const quant::Config &config = bench.net.working.configs.get(bench.configs.front());
    CHECK(config.provenance.rule.starts_with("tally"));
    CHECK(config.scales.front() == doctest::Approx(0.01 * passes));
  }
  Bench none;  // without an accumulator derive() answers
  accumulate(none, 0);
  none.add({-1, 1.27F});
  none.render(1);
  CHECK(none.net.working.configs.get(none.configs.front()).provenance.rule.starts_with("test"));
}

TEST_CASE("endless passes and half an accumulator are refused") {
  Bench endless;
  accumulate(endless, 1000);
  endless.add({-1, 1});
  CHECK(host::SamplePlugin::error_of([&] { endless.render(1); }).find("more than 16 passes") != std::string::npos);
  Bench half;
  half.table.begin = begin_tally;
  half.add({-1, 1});
  CHECK(host::SamplePlugin::error_of([&] { half.render(1); }).find("needs all five") != std::string::npos);
}

TEST_CASE("any number of threads gives the same scales, provenance and log") {
  const std::string one = rendered_by(1);
  CHECK(one.find("initial") == std::string::npos);
  CHECK(one.find("activated some-pass test (2 channels)") != std::string::npos);
  CHECK(rendered_by(2) == one);
  CHECK(rendered_by(8) == one);
}

TEST_CASE("one at a time gives the same as all at once") {
  Bench bench;
  bench.add_many(7);
  const std::vector<model::Handle> all = bench.configs;
  for (const model::Handle config : all) {
    bench.configs = {config};
    bench.render(4);
  }
  bench.configs = all;
  Bench together;
  together.add_many(7);
  together.render(4);
  CHECK(together.outcome() == bench.outcome());
}

std::string failure_of(std::uint32_t threads, const std::vector<std::vector<float>> &bad) {
  Bench bench;
  bench.add_many(10);
  for (const auto &values : bad) bench.add(values);
  bench.add_many(10);
  const std::string text = host::SamplePlugin::error_of([&] { bench.render(threads); });
  return text + "\n" + bench.outcome();
}

TEST_CASE("the first failure in order is told, though a later one comes sooner") {
  const std::vector<std::vector<float>> bad = {{1, 1001}, {1, 1200}, {1, std::numeric_limits<float>::quiet_NaN()}};
  const std::string one = failure_of(1, bad);
  CHECK(one.starts_with("maximum 1001."));
  CHECK(failure_of(2, bad) == one);
  CHECK(failure_of(8, bad) == one);
}

TEST_CASE("a parameter that is not finite is named with its place") {
  const std::string told = failure_of(4, {{1, std::numeric_limits<float>::infinity()}});
  CHECK_EQ(told.substr(0, told.find('\n')),
           "'c_10', input 0 of Relu 'node10', holds values that are NaN or infinite; repair the model");
}

TEST_CASE("only an observer that says so is called by several threads") {
  for (const std::uint32_t threading : {HT_THREADING_PROCESS, HT_THREADING_INSTANCE, HT_THREADING_FREE}) {
    Bench bench(threading);
    bench.add_many(40);
    bench.render(8);
    CHECK(bench.now.calls == 40);
    CHECK((bench.now.most_inside > 1) == (threading == HT_THREADING_FREE));
    CHECK(bench.outcome() == rendered_by(1));
  }
}

TEST_CASE("an observer that uses services is called by one thread") {
  Bench bench;
  bench.plugin.component.capabilities = HT_CAP_CONFIG_READ;
  bench.add_many(20);
  bench.render(8);
  CHECK(bench.now.most_inside == 1);
}

TEST_CASE("cancelling ends the search and sets no scale") {
  for (const std::uint32_t threading : {HT_THREADING_INSTANCE, HT_THREADING_FREE}) {
    Bench bench(threading);
    bench.now.cancel_after = 5;
    bench.add_many(60);
    CHECK(host::SamplePlugin::error_of([&] { bench.render(3); }) == "cancelled");
    CHECK(bench.now.calls < 20);
    CHECK(bench.outcome().find("activated") == std::string::npos);
  }
}

TEST_CASE("an empty parameter stays as it was") {
  Bench bench;
  bench.add_many(2);
  bench.add({});
  CHECK(bench.render(2) == std::vector<std::uint32_t>{1, 1, 0});
  CHECK(bench.net.working.configs.get(bench.configs[2]).state == quant::State::kInitial);
}

}  // namespace
}  // namespace halftone::pipeline
