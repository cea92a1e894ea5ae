// Model files as they are read to run or to edit them.
#pragma once

#include <filesystem>
#include <string_view>

#include "core/host/kernel_index.h"
#include "core/model/onnx_io.h"

namespace halftone::pipeline {

// As read_model(), with functions in place of their calls, and in place of operators that no kernel runs where the
// specification of ONNX gives a function for them.
model::ImportResult read_model_to_run(const std::filesystem::path &path, const host::KernelIndex &kernels);
// The same from the bytes of a file; files with its weights lie in `folder`.
model::ImportResult model_to_run_of(std::string_view bytes, const std::filesystem::path &folder,
                                    const host::KernelIndex &kernels);

}  // namespace halftone::pipeline
