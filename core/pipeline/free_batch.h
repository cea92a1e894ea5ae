// A model that was exported for a fixed batch, given single samples.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/calibration/dataset.h"
#include "core/host/context.h"
#include "core/host/kernel_index.h"
#include "core/host/registry.h"

namespace halftone::pipeline {

// Makes the batch of all fed inputs, of what is computed from them and of the outputs a symbol, and mends the constants
// that have it in them; what does not depend on the inputs is computed first, by the pass constant-folding. Gives a
// sentence that says what was done. Throws FailedPrecondition, with nothing changed, naming the node that ties the
// model to its batch.
std::string free_batch(const host::Registry &registry, const host::KernelIndex &kernels, host::WorkingModel &working,
                       std::int64_t batch);

// The same for a model whose inputs have a free batch while constant shapes in it have one, which it could not run with
// another. Nothing where there is no such shape, or where it is not provably right.
std::optional<std::string> free_shapes(const host::Registry &registry, const host::KernelIndex &kernels,
                                       host::WorkingModel &working);

// The data for the model, by `open`. Where the samples do not fit because the model's batch is fixed and they would if
// it were free, the batch is freed first and `told` says so; where that cannot be, throws naming the node. Constant
// shapes for one batch in a model whose inputs have a free one are mended too, where that is provably right. All other
// faults of samples are left to who reads them.
std::unique_ptr<calibration::Dataset> open_for_single_samples(
    const host::Registry &registry, const host::KernelIndex &kernels, host::WorkingModel &working,
    const std::function<std::unique_ptr<calibration::Dataset>(const model::Model &)> &open,
    std::optional<std::string> &told);

}  // namespace halftone::pipeline
