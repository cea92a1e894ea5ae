// The parallel service of a run: independent pieces of a pass's work on the run's threads.
#pragma once

#include "core/host/service/execution_service.h"
#include "core/pipeline/data_pass.h"

namespace halftone::pipeline {

class Parallel final : public host::ParallelService {
 public:
  explicit Parallel(CalibrationSettings settings) : settings_(settings) {}

  std::uint32_t workers(host::Context &ctx, std::uint64_t count, std::uint64_t worker_bytes) override;
  void for_each(
      host::Context &ctx, std::uint64_t count, std::uint64_t worker_bytes,
      const std::function<void(host::Context &own, std::uint32_t worker, std::uint64_t index)> &body) override;

 private:
  CalibrationSettings settings_;
};

}  // namespace halftone::pipeline
