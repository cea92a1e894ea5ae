// Models that are evaluated on samples: brought into the form that a mode takes, and matched with one another.
#pragma once

#include <optional>
#include <string>

#include "core/host/context.h"
#include "core/host/kernel_index.h"
#include "core/host/registry.h"
#include "core/host/sequence.h"
#include "core/host/session.h"

namespace halftone::pipeline {

// Brings a file's Q/DQ nodes into the form that simulated and integer mode take. Throws FailedPrecondition where there
// are none.
void prepare_for(host::Mode mode, const std::string &path, host::WorkingModel &working);

// Inputs and outputs are matched by position; names may differ, as different programs exported the two.
void require_same_interface(const std::string &path, const model::Model &subject, const std::string &against,
                            const model::Model &reference);

// Feedback in the names of another model with the same interface.
std::optional<host::Sequence> renamed(const std::optional<host::Sequence> &sequence, const model::Model &from,
                                      const model::Model &to);

// Frees the batch where that of `subject`, which the samples fit one by one, is free.
void free_like(const model::Model &subject, const host::Registry &registry, const host::KernelIndex &kernels,
               host::WorkingModel &working);

}  // namespace halftone::pipeline
