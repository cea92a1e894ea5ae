// Accuracy of a model on labelled samples, and how far its outputs are from another's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/calibration/dataset.h"
#include "core/calibration/sample_flow.h"
#include "core/host/session.h"
#include "core/model/tensor.h"
#include "core/pipeline/pipeline_spec.h"

namespace halftone::pipeline {

struct OutputError {
  std::string name;
  double noise_to_signal = 0;  // mean over samples of sum((q - f)^2) / (sum(f^2) + 1e-7)
  double cosine = 0;           // mean over samples
  double largest = 0;          // largest absolute difference
};

struct Evaluation {
  std::uint64_t samples = 0;
  std::vector<std::string> skipped;
  std::optional<double> top1, top5;  // fractions, where there are labels
  std::optional<double> agreement;   // with the reference's top-1
  std::optional<double> reference_top1;
  // Standard error of top1 - reference_top1, from the same samples under both models: much smaller than that of either.
  std::optional<double> top1_change_error;
  std::vector<OutputError> outputs;  // against the reference
  double seconds = 0;
};

// One output of one sample, as the session gave it.
struct OutputTensor {
  ht_dtype dtype = HT_DTYPE_NONE;
  model::Shape shape;
  std::vector<std::byte> bytes;
};

// Sessions emit their graph outputs. `reference` null: no comparison; its outputs are matched by position, its inputs
// too. `labels` empty: no accuracy; class scores are the first output, where it has a single axis longer than 1.
struct EvaluationRequest {
  const host::Session *session = nullptr;
  std::vector<model::Handle> outputs;
  std::vector<std::string> output_names;
  const host::Session *reference = nullptr;
  std::vector<model::Handle> reference_outputs;
  std::vector<std::int64_t> labels;
  // Samples are sequences: outputs of all frames follow each other, and there are no class scores.
  bool sequences = false;
  // Gets the outputs of every sample that was evaluated, in their order, on one thread. Null: nobody wants them.
  std::function<void(const std::vector<OutputTensor> &)> take_outputs;
};

Evaluation evaluate(const calibration::Dataset &dataset, const EvaluationRequest &request,
                    const calibration::FlowOptions &options);

// Class numbers from a .npy file of any integer type; throws naming the file. Goes through the npy reader.
std::vector<std::int64_t> read_labels(const host::Registry &registry, const std::string &path);

// The labels that a spec names or gives, checked against its samples and the model; none where it has none. `what` is
// what takes samples one by one, for messages.
std::vector<std::int64_t> labels_of(const host::Registry &registry, const DataSpec &data, const std::string &what,
                                    const calibration::Dataset &dataset, const model::Model &model);

// Fails when there are fewer labels than samples, or when one of a sample is no class of the model as far as its shapes
// tell.
void require_labels(const std::vector<std::int64_t> &labels, std::uint64_t samples, const std::string &path,
                    const model::Model &model);

}  // namespace halftone::pipeline
