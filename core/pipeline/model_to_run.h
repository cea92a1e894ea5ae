// Model files as they are read to run or to edit them.
#pragma once

#include <filesystem>

#include "core/host/kernel_index.h"
#include "core/model/onnx_io.h"

namespace halftone::pipeline {

// As read_model(), with functions in place of their calls, and in place of operators that no kernel runs where the
// specification of ONNX gives a function for them.
model::ImportResult read_model_to_run(const std::filesystem::path &path, const host::KernelIndex &kernels);

}  // namespace halftone::pipeline
