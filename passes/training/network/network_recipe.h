// What a pass that trains the whole network asks for.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "halftone/schedule.hpp"

namespace halftone::passes {

// A method of the trainer with parameters of its own, as the user wrote them.
struct FakeQuantizerChoice {
  std::string method = "lsq";
  std::vector<std::pair<std::string, std::string>> parameters;
};

// What of the network is learned.
struct LearnedKinds {
  bool weights = true, biases = true, scales = true, offsets = true;
};

// By which an epoch is better than another. All are better when lower: errors in place of hits.
enum class Measure { kLoss, kTop1, kNoise };

// How folded normalizations are trained: by the batch, in their folded form, or as the fusion that has them inside says
// and else in their folded form.
enum class NormTraining { kDeclared, kFreeze, kTrain };

struct NetworkRecipe {
  std::vector<std::string> outputs;  // names of values that losses are taken of; empty: the results of the model
  std::vector<std::string> layers;   // names of nodes, `*` for any text, whose parameters are learned; empty: all
  FakeQuantizerChoice weights, activations;
  LearnedKinds learns;
  NormTraining batch_norm = NormTraining::kDeclared;
  std::uint64_t batch_norm_epochs = 0;  // in which they are trained by the batch; then by what they are; 0: all

  double label_weight = 0;    // cross-entropy of the samples' classes
  double teacher_weight = 0;  // divergence from the float network's distribution
  double error_weight = 1;    // squared error over the power of the float network's outputs
  double temperature = 1;     // of the divergence
  double quantization_weight = 0;

  std::uint64_t epochs = 10;
  std::uint64_t steps = 0;  // 0: by epochs
  std::uint64_t batch = 32;
  std::uint64_t accumulate = 1;  // batches for each step
  std::uint64_t samples = 0;     // 0: all of the run
  double validation = 0.1;       // below 1 a share of the samples, else their number
  Measure measure = Measure::kLoss;

  bool sgd = false;
  double momentum = 0.9, weight_decay = 0, clip = 0;
  double rate = 1e-4, scale_rate = 1e-4, offset_rate = 1e-2, rounding_rate = 1e-2;
  sdk::RateShape schedule = sdk::RateShape::kCosine;
  std::uint64_t warm_up = 0;       // steps
  std::uint64_t decay_epochs = 1;  // of the schedule `step`
  double decay = 0.1;
  double regularization = 0.01;  // of AdaRound

  std::string checkpoint;  // a file; empty: none
  bool resumes = true;
  std::uint64_t checkpoint_steps = 0;  // besides each epoch; 0: only then
  std::uint64_t seed = 0, memory = 0;
};

}  // namespace halftone::passes
