// A small network with data, and a sink of the C table that remembers what it saw.
#pragma once

#include <doctest/doctest.h>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "core/calibration/row_major.h"
#include "core/host/kernel_index.h"
#include "core/host/service/services.h"
#include "core/pipeline/execution.h"
#include "tests/unit/pipeline/load_executors.h"
#include "tests/unit/pipeline/written_samples.h"
#include "tests/unit/reference/small_net.h"

namespace halftone::pipeline {
namespace {

// x -> Mul(w) -> y -> Relu -> z, and beside it an operator that no executor has.
struct Bench {
  host::Registry registry = load();
  host::KernelIndex kernels{registry};
  test::SmallNet net;
  model::Handle x, y, z;
  std::unique_ptr<test::WrittenSamples> samples;
  std::unique_ptr<calibration::Dataset> dataset;
  host::Context creation;
  host::Instance executor{registry.get(HT_KIND_EXECUTOR, "reference"), nullptr, creation};
  CalibrationSettings settings;

  explicit Bench(const std::vector<std::vector<float>> &values = numbered(7)) {
    x = net.input("x");
    model::ValueType type;
    type.dtype = HT_F32;
    type.has_shape = true;
    type.dims = {{1, {}}, {3, {}}};
    net.m().set_type(x, type);
    y = net.node("Mul", {x, net.floats({1}, {0.3F})});
    z = net.node("Relu", {y});
    net.m().mark_output(z);
    samples = std::make_unique<test::WrittenSamples>(std::vector<std::int64_t>{3}, values);
    calibration::InputSource source;
    source.input = "x";
    source.path = samples->path();
    dataset = std::make_unique<calibration::Dataset>(registry, net.m(), std::vector{source});
  }
  static std::vector<std::vector<float>> numbered(int count) {
    std::vector<std::vector<float>> all;
    for (int i = 0; i < count; ++i) all.push_back({static_cast<float>(i), static_cast<float>(-i), 0.5F});
    return all;
  }
  // Of a call into a pass; a context stays where it is made.
  struct PassContext : host::Context {
    PassContext(Bench &bench, Execution *service) {
      working = &bench.net.working;
      kernels = &bench.kernels;
      component = "a-pass";
      execution = service;
    }
  };
  PassContext context(Execution *execution = nullptr) { return PassContext(*this, execution); }
  Execution execution() { return Execution(executor, dataset.get(), settings); }
};

// What a sink of the C table saw.
struct Seen {
  std::mutex mutex;
  std::map<std::uint64_t, std::map<ht_handle, std::vector<float>>> values;
  std::vector<std::uint64_t> order;
  std::uint32_t workers = 0;
  std::set<std::uint32_t> used;
  std::uint64_t refuse = ~std::uint64_t{0};

  ht_execution_sink sink() {
    return {sizeof(ht_execution_sink),
            0,
            this,
            [](void *user, ht_ctx *, std::uint32_t count) -> ht_status {
              static_cast<Seen *>(user)->workers = count;
              return HT_OK;
            },
            [](void *user, ht_ctx *, std::uint32_t worker, std::uint64_t sample, ht_handle value,
               const ht_tensor_view *tensor) -> ht_status {
              auto *self = static_cast<Seen *>(user);
              const std::scoped_lock lock(self->mutex);
              if (sample == self->refuse) return HT_INVALID_ARGUMENT;
              self->used.insert(worker);
              self->values[sample][value] = calibration::row_major_floats(*tensor);
              return HT_OK;
            },
            [](void *user, ht_ctx *, std::uint64_t sample) -> ht_status {
              static_cast<Seen *>(user)->order.push_back(sample);
              return HT_OK;
            },
            nullptr};
  }
};

inline const ht_execution &table() {
  return *static_cast<const ht_execution *>(host::find_service(HT_EXECUTION_1, HT_CAP_EXECUTE));
}

inline ht_execution_options ask(const std::vector<ht_handle> &values, std::uint32_t mode = HT_MODE_FLOAT) {
  ht_execution_options options{};
  options.struct_size = sizeof(options);
  options.mode = mode;
  options.values = {values.data(), values.size()};
  options.plain = 1;
  return options;
}

inline std::string message_of(const std::function<void()> &body) {
  try {
    body();
  } catch (const Error &error) {
    return error.message();
  }
  return {};
}

}  // namespace
}  // namespace halftone::pipeline
