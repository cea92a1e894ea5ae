#include "core/cli/profile_runs.h"

#include <sys/resource.h>

#include <chrono>
#include <cstring>
#include <exception>
#include <mutex>
#include <random>
#include <thread>

#include "core/base/error.h"
#include "core/host/feed_type.h"
#include "core/model/onnx_io.h"
#include "core/model/tensor.h"

namespace halftone::cli {

namespace {

double process_cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval &t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::vector<std::int64_t> fixed_shape(const model::Value &input) {
  std::vector<std::int64_t> shape;
  bool known = input.type.has_shape;
  for (const model::Dim &dim : input.type.dims) {
    const bool batch = dim.extent < 0 && shape.empty();
    known = known && (dim.extent >= 0 || batch);
    shape.push_back(batch ? 1 : dim.extent);
  }
  if (!known) {
    fail(Status::kFailedPrecondition,
         "input '{}' has no fixed shape to make random samples of; give samples with --data", input.name);
  }
  return shape;
}

// Calls body(worker) on a thread for each worker; the first exception is thrown again when all have ended.
template <typename Body>
void on_workers(std::uint32_t workers, const Body &body) {
  std::exception_ptr thrown;
  std::mutex mutex;
  std::vector<std::jthread> threads;  // joined also when one of them cannot be made
  for (std::uint32_t worker = 0; worker < workers; ++worker) {
    threads.emplace_back([&, worker] {
      try {
        body(worker);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!thrown) thrown = std::current_exception();
      }
    });
  }
  for (std::jthread &thread : threads) thread.join();
  if (thrown) std::rethrow_exception(thrown);
}

void ignore(model::Handle, const ht_tensor_view &) {}

// Types that samples are converted to.
bool takes_floats(ht_dtype type) {
  return type == HT_F32 || type == HT_F64 || type == HT_F16 || type == HT_BF16;
}

}  // namespace

StoredSample::StoredSample(const calibration::Sample &sample) {
  for (const ht_tensor_view &view : sample.inputs) {
    std::vector<std::int64_t> shape(view.shape, view.shape + view.rank);
    const auto *data = static_cast<const std::byte *>(view.data);
    const std::size_t size = model::dtype_bytes(view.dtype, model::element_count(shape));
    add(view.dtype, std::move(shape), {data, data + size});
  }
}

StoredSample::StoredSample(const model::Model &model, const std::vector<model::Handle> &inputs, std::uint32_t seed) {
  std::mt19937 random(seed);
  for (const model::Handle handle : inputs) {
    const model::Value &input = model.value(handle);
    if (model::is_optional_input(model, handle) && inputs.size() > 1) {
      views_.emplace_back().struct_size = sizeof(ht_tensor_view);  // left out
      continue;
    }
    std::vector<std::int64_t> shape = fixed_shape(input);
    const std::int64_t count = model::element_count(shape);
    const ht_dtype type = input.type.dtype;
    std::vector<std::byte> bytes(model::dtype_bytes(takes_floats(type) ? HT_F32 : type, count));
    for (std::int64_t i = 0; takes_floats(type) && i < count; ++i) {
      const float number = static_cast<float>(random()) * 0x1p-31F - 1.0F;
      std::memcpy(bytes.data() + i * std::int64_t{sizeof number}, &number, sizeof number);
    }
    add_as(type, std::move(shape), std::move(bytes));
  }
}

// Floats come as float32.
void StoredSample::add_as(ht_dtype type, std::vector<std::int64_t> shape, std::vector<std::byte> bytes) {
  if (!takes_floats(type) || type == HT_F32) return add(type, std::move(shape), std::move(bytes));
  host::Context ctx;
  ht_tensor_view view{};
  view.struct_size = sizeof view;
  view.dtype = HT_F32;
  view.rank = static_cast<std::uint32_t>(shape.size());
  view.shape = shape.data();
  view.data = bytes.data();
  const ht_tensor_view own = host::in_float_type(ctx, view, type);
  const auto *data = static_cast<const std::byte *>(own.data);
  add(own.dtype, shape, {data, data + model::dtype_bytes(own.dtype, model::element_count(shape))});
}

void StoredSample::add(ht_dtype dtype, std::vector<std::int64_t> shape, std::vector<std::byte> bytes) {
  // Views point into the heap, which moving the tensors does not change.
  Tensor &tensor = tensors_.emplace_back(Tensor{std::move(shape), std::move(bytes)});
  ht_tensor_view view{};
  view.struct_size = sizeof view;
  view.dtype = dtype;
  view.rank = static_cast<std::uint32_t>(tensor.shape.size());
  view.shape = tensor.shape.data();
  view.data = tensor.bytes.data();
  views_.push_back(view);
}

RunTime run_samples(const host::Session &session, const std::vector<StoredSample> &samples, std::uint64_t runs,
                    std::uint32_t workers, const std::atomic<bool> &cancelled) {
  RunTime time{runs * samples.size(), 0, 0};
  std::atomic<std::uint64_t> next = 0;
  std::atomic<bool> failed = false;
  const double cpu = process_cpu_seconds();
  const auto start = std::chrono::steady_clock::now();
  on_workers(workers, [&](std::uint32_t worker) {
    host::Context ctx;
    try {
      for (std::uint64_t i = next++; i < time.samples && !failed && !cancelled; i = next++) {
        ctx.arena.reset();
        session.run(ctx, worker, samples[i % samples.size()].views(), &ignore);
      }
    } catch (...) {
      failed = true;
      throw;
    }
  });
  if (cancelled) fail(Status::kCancelled, "cancelled");
  time.wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  time.cpu = process_cpu_seconds() - cpu;
  return time;
}

void warm_up(const host::Session &session, const StoredSample &sample, std::uint32_t workers) {
  on_workers(workers, [&](std::uint32_t worker) {
    host::Context ctx;
    session.run(ctx, worker, sample.views(), &ignore);
  });
}

}  // namespace halftone::cli
