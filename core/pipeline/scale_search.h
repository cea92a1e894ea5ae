// The ranges of many configs, found on all cores and handed over in order.
//
// Each range depends on one tensor and one observer alone, so results do not depend on the number of threads. The plain
// form of statistics, several times larger than what it is made of, exists only for the tensors in flight.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/calibration/collector.h"
#include "core/calibration/gatherer.h"
#include "core/host/instance.h"
#include "core/quant/config.h"

namespace halftone::pipeline {

// What an observer made of a tensor.
struct FoundRange {
  std::vector<float> low, high;  // one entry, or one for each channel
  std::string rule;              // the observer's words for provenance
  bool from_samples = false;
};

// One config whose range is wanted; everything it points to stays as it is until the search is over.
struct RangeTask {
  const host::Instance *observer = nullptr;
  ht_quant_spec spec{};
  std::string slot;  // for messages
  // What the data pass found; or null, and a tensor in hand with the quantizer that it is baked with, if any.
  const calibration::Statistics *collected = nullptr;
  const calibration::Gatherer *gathered = nullptr;  // what the observer's own accumulator found, if it has one
  const model::Tensor *tensor = nullptr;
  std::string tensor_name;
  std::optional<ht_quantizer> baked;
  calibration::Request request;  // of the tensor
};

// Asks the task's observer in `ctx`.
FoundRange derive_range(host::Context &ctx, const RangeTask &task, const ht_statistics &statistics);

// Finds the range of each task, then hands them to `apply`, in order and on the calling thread. A task whose observer
// may be called from several threads and uses no services is worked on by any of `threads` (0: all cores); the others
// by the calling thread. All have contexts of their own, whose log and report reach `ctx` in order. Throws the first
// failure in order, after the ranges before it were applied, and Cancelled, with none applied, when the sinks say so.
void find_ranges(host::Context &ctx, const std::vector<std::unique_ptr<RangeTask>> &tasks, std::uint32_t threads,
                 const std::function<void(std::size_t, const FoundRange &)> &apply);

}  // namespace halftone::pipeline
