// A model made ready for a mode, and the executor that runs it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/api/model.h"
#include "core/host/instance.h"
#include "core/host/kernel_index.h"
#include "core/host/session.h"

namespace halftone::api {

// Throws InvalidArgument for a number that is no mode.
host::Mode mode_of(std::uint32_t mode);

// By name, or the model's own where that is null; told how integer mode computes on the platform named, or the model's.
std::unique_ptr<host::Instance> executor_of(const host::Registry &registry, const ModelContent &content,
                                            const char *executor, const char *platform, host::Mode mode);

// In float32, with configs for simulated and integer mode.
void make_ready(const host::Registry &registry, const host::KernelIndex &kernels, host::Mode mode,
                ModelContent &content);

std::unique_ptr<host::Session> open_session(const host::Instance &executor, const host::KernelIndex &kernels,
                                            host::WorkingModel &working, const host::SessionRequest &request,
                                            const host::RunSinks &sinks);

}  // namespace halftone::api
