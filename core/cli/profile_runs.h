// Runs of samples that lie in memory: nothing but the session's own work is timed.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/calibration/dataset.h"
#include "core/host/session.h"

namespace halftone::cli {

// One sample with its own memory.
class StoredSample {
 public:
  explicit StoredSample(const calibration::Sample &sample);
  // Numbers from -1 to 1 that depend on `seed` alone; integers are 0. Throws for an input whose shape is not fixed;
  // an unknown first extent is taken as a batch of one.
  StoredSample(const model::Model &model, const std::vector<model::Handle> &inputs, std::uint32_t seed);
  const std::vector<ht_tensor_view> &views() const noexcept { return views_; }

 private:
  struct Tensor {
    std::vector<std::int64_t> shape;
    std::vector<std::byte> bytes;
  };
  void add_as(ht_dtype type, std::vector<std::int64_t> shape, std::vector<std::byte> bytes);
  void add(ht_dtype dtype, std::vector<std::int64_t> shape, std::vector<std::byte> bytes);
  std::vector<Tensor> tensors_;
  std::vector<ht_tensor_view> views_;
};

struct RunTime {
  std::uint64_t samples = 0;  // that were run
  double wall = 0, cpu = 0;   // seconds; cpu: of the whole process
};

// Runs every sample `runs` times on `workers` threads, each taking the next sample as soon as it is free. What a
// worker's run throws ends the others and is thrown again.
RunTime run_samples(const host::Session &session, const std::vector<StoredSample> &samples, std::uint64_t runs,
                    std::uint32_t workers, const std::atomic<bool> &cancelled);

// One run on each worker, so that what the first one prepares is not timed later.
void warm_up(const host::Session &session, const StoredSample &sample, std::uint32_t workers);

}  // namespace halftone::cli
