// Opens training sessions on models that a pipeline has quantized, with the plug-ins of this build.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/host/context.h"
#include "core/host/registry.h"
#include "halftone/trainer.h"

namespace halftone::test {

const host::Registry &built_plugins();

// The folder with real models, or nothing.
std::optional<std::string> shared_models();

// The file, or the one that it names where links were stored as text.
std::string data_file(const std::string &file);

// The model after the passes of a pipeline in YAML; paths in it are absolute.
host::WorkingModel run_pipeline(const std::string &yaml);

struct Floats {
  std::vector<std::int64_t> shape;
  std::vector<float> data;
};
struct Labels {
  std::vector<std::int64_t> data;
};

// What a session is opened with; handles are of the working model.
struct TrainRequest {
  std::vector<model::Handle> inputs, outputs;  // empty: the graph's
  std::vector<model::Handle> weights;
  std::vector<ht_train_quantizer> quantizers;
  std::vector<ht_train_fold> folds;
  std::vector<model::Handle> normalizations;
  std::vector<ht_train_loss> losses;
  std::vector<ht_optimizer> optimizers;
  std::uint32_t threads = 1, shards = 0;
  std::uint64_t memory = 0, seed = 1;
};

class TrainRig {
 public:
  // Throws the Error that open() recorded.
  TrainRig(host::WorkingModel &working, const TrainRequest &request);
  ~TrainRig();

  // Outputs by handle; `result` may be null.
  std::map<model::Handle, Floats> evaluate(const std::vector<Floats> &inputs, const std::vector<Floats> &targets = {},
                                           ht_train_result *result = nullptr, bool soft = false);
  double evaluate_labels(const std::vector<Floats> &inputs, const Labels &labels, bool soft = false);
  ht_train_result accumulate(const std::vector<Floats> &inputs, const std::vector<Floats> &targets,
                             std::uint64_t step = 0);
  ht_train_result accumulate_labels(const std::vector<Floats> &inputs, const Labels &labels, std::uint64_t step = 0);
  void update(float rate);
  std::vector<float> read(std::uint32_t kind, model::Handle handle, std::uint32_t part = 0);
  std::vector<float> gradient(std::uint32_t kind, model::Handle handle, std::uint32_t part = 0);
  void write(std::uint32_t kind, model::Handle handle, const Floats &values, std::uint32_t part = 0);
  std::vector<std::byte> save();
  void restore(const std::vector<std::byte> &bytes);

  std::uint32_t statistics_batch = 0;  // of the batches that follow

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// All float32 initializers of rank above 1 or, with `biases`, of any rank that nodes of the main graph read in slots 1
// and 2 of Conv, ConvTranspose, Gemm and MatMul.
std::vector<model::Handle> weights_of(const model::Model &m, bool biases);

// Why a session cannot be opened; empty when it can.
std::string refusal(host::WorkingModel &working, const TrainRequest &request);

ht_train_loss loss_of(std::uint32_t kind, model::Handle output, float parameter = 2);
Floats noise(std::vector<std::int64_t> shape, std::uint64_t seed);

// Of the executor in a mode, sample by sample, put together again.
std::map<model::Handle, Floats> execute(host::WorkingModel &working, const std::string &executor, bool simulated,
                                        const Floats &input, const std::vector<model::Handle> &values);

// Largest difference relative to the largest magnitude.
double distance(const std::vector<float> &got, const std::vector<float> &want);

}  // namespace halftone::test
