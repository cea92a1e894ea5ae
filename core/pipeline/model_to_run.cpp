#include "core/pipeline/model_to_run.h"

#include <algorithm>

#include "core/base/error.h"
#include "core/model/onnx_functions.h"
#include "core/model/opset_lift.h"

namespace halftone::pipeline {

namespace {

// What is read by `import`, which takes what needs a function.
template <typename Import>
model::ImportResult read_expanded(const host::KernelIndex &kernels, const Import &import) {
  const model::NeedsFunction nothing_runs = [&](std::string_view domain, std::string_view op_type, std::int64_t opset) {
    // Older models are lifted to opset 13 after this: what has no kernel now may have one then.
    return kernels.find(domain, op_type, domain.empty() ? std::max(opset, model::kLiftedOpset) : opset) == nullptr;
  };
  try {
    model::ImportResult result = import(nothing_runs);
    if (const std::int64_t opset = result.model.opset();
        opset > kernels.newest_opset() && kernels.newest_opset() != 0) {
      result.warnings.push_back(fmt::format(
          "the file uses opset {} of ai.onnx, newer than the {} that the kernels were written for; operators are "
          "computed as in opset {}",
          opset, kernels.newest_opset(), kernels.newest_opset()));
    }
    return result;
  } catch (const Error &error) {
    // A fault of the file, not of the request.
    Error other(error.status() == Status::kInvalidArgument ? Status::kFailedPrecondition : error.status(),
                error.message());
    for (const std::string &note : error.notes()) other.note(note);
    throw other;
  }
}

}  // namespace

model::ImportResult read_model_to_run(const std::filesystem::path &path, const host::KernelIndex &kernels) {
  return read_expanded(kernels, [&](const auto &needs) { return model::import_onnx_expanded(path, needs); });
}

model::ImportResult model_to_run_of(std::string_view bytes, const std::filesystem::path &folder,
                                    const host::KernelIndex &kernels) {
  return read_expanded(kernels,
                       [&](const auto &needs) { return model::import_onnx_bytes_expanded(bytes, needs, folder); });
}

}  // namespace halftone::pipeline
