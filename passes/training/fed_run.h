// A pass over the samples that starts from kept values instead of the run's data.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "halftone/execution.hpp"

namespace halftone::passes {

// [worker] Fills a view for each feed; what it points to is valid until the next call for the same worker.
using Fetch =
    std::function<void(std::uint32_t worker, std::uint64_t sample, bool reference, std::span<ht_tensor_view> views)>;

// `run` as for sdk::run_samples().
ht_execution_result run_fed(const sdk::Context &ctx, const sdk::SampleRun &run, const std::vector<ht_handle> &feeds,
                            std::uint64_t samples, const Fetch &fetch, sdk::SampleSink &sink);

}  // namespace halftone::passes
