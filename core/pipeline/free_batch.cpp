#include "core/pipeline/free_batch.h"

#include <algorithm>
#include <set>

#include "core/base/error.h"
#include "core/model/onnx_io.h"
#include "core/pipeline/batch_axis.h"
#include "core/pipeline/plan.h"
#include "core/pipeline/transaction.h"
#include "core/pipeline/yaml_setting.h"

namespace halftone::pipeline {
namespace {

using model::Handle;

constexpr std::uint64_t kMostTried = 16;  // samples, until one is whole

std::string free_symbol(const model::Model &m) {
  std::set<std::string> taken;
  for (const Handle g : m.graphs()) {
    for (const Handle h : m.graph(g).values) {
      for (const model::Dim &dim : m.value(h).type.dims) taken.insert(dim.symbol);
    }
  }
  std::string symbol = "batch";
  for (int i = 1; taken.contains(symbol); ++i) symbol = fmt::format("batch_{}", i);
  return symbol;
}

// Axis 0 of a value is known only when the model runs.
void open_axis(model::Model &m, Handle h, const std::string &symbol) {
  model::ValueType type = m.value(h).type;
  if (!type.has_shape || type.dims.empty() || m.value(h).initializer) return;
  type.dims[0] = {-1, symbol};
  m.set_type(h, std::move(type));
}

// What reading the first samples says: nothing when one of them is whole.
std::optional<Error> fault(const calibration::Dataset &dataset) {
  host::Context ctx;
  std::optional<Error> first;
  for (std::uint64_t i = 0; i < std::min(kMostTried, dataset.count()); ++i) {
    try {
      if (!dataset.read_if_any(ctx, i)) break;
      return std::nullopt;
    } catch (const Error &error) {
      if (!first) first = error;
    }
  }
  return first;
}

// Exporters compute pads and shapes in the graph. Extents that are declared stay unfolded: the batch is among them.
host::WorkingModel folded(const host::Registry &registry, const host::KernelIndex &kernels,
                          const host::WorkingModel &working) {
  constexpr const char *kPass = "constant-folding";
  host::WorkingModel copy = working;
  if (registry.find(HT_KIND_PASS, kPass) == nullptr) return copy;
  RunServices services;
  services.kernels = &kernels;
  const PassStep fold{kPass, parse_yaml("{static_shapes: false}", kPass), {}};
  for (const PlannedStep &step : make_plan(registry, {fold}, false)) run_step(step, services, copy);
  model::infer_shapes(copy.model);  // with the sizes that are known now
  return copy;
}

void apply(const std::vector<ConstantRepair> &repairs, model::Model &m) {
  for (const ConstantRepair &repair : repairs) {
    const Handle present = m.node(repair.node).inputs[repair.slot];
    const auto tensor = model::Tensor::from_ints({static_cast<std::int64_t>(repair.values.size())}, repair.values);
    const model::Value &value = m.value(present);
    const bool alone = value.initializer && value.consumers.size() == 1 && !value.is_input && !value.is_output;
    if (alone) {
      m.set_initializer(present, tensor);
      continue;
    }
    const Handle graph = m.node(repair.node).graph;
    m.set_input(repair.node, repair.slot,
                m.add_initializer(graph, m.unique_name(graph, value.name + "_any_batch"), tensor));
  }
}

void free_inputs(model::Model &m) {
  for (const Handle h : m.graph(m.main_graph()).inputs) open_axis(m, h, {});
}

}  // namespace

std::string free_batch(const host::Registry &registry, const host::KernelIndex &kernels, host::WorkingModel &working,
                       std::int64_t batch) {
  host::WorkingModel copy = folded(registry, kernels, working);
  model::Model &m = copy.model;
  const BatchProof proof = prove_batch(m, batch);
  if (proof.tied_by != HT_NONE) {
    const model::Node &node = m.node(proof.tied_by);
    fail(Status::kFailedPrecondition,
         "the model's batch is fixed to {}, and node '{}' ({}) ties it to that: {}; export the model with a free batch "
         "or one of 1",
         batch, node.name, node.op_type, proof.why);
  }
  const std::string symbol = free_symbol(m);
  apply(proof.repairs, m);
  for (const auto &[value, factor] : proof.values.carriers) open_axis(m, value, factor == 1 ? symbol : std::string());
  m.metadata["halftone.batch"] = fmt::format("fixed to {} in the model that was read, free here", batch);
  working = std::move(copy);
  return fmt::format(
      "the model is made for batches of {} and gets single samples: its batch is free now, as dimension '{}', in the "
      "files that are written too; {} constants had it in them",
      batch, symbol, proof.repairs.size());
}

std::optional<std::string> free_shapes(const host::Registry &registry, const host::KernelIndex &kernels,
                                       host::WorkingModel &working) {
  if (!may_have_fixed_shapes(working.model)) return std::nullopt;
  host::WorkingModel copy = folded(registry, kernels, working);
  const BatchProof proof = prove_batch(copy.model, 0);
  if (proof.tied_by != HT_NONE || proof.repairs.empty()) return std::nullopt;
  apply(proof.repairs, copy.model);
  const std::string first = copy.model.node(proof.repairs.front().node).name;
  copy.model.metadata["halftone.batch"] = "fixed by constants of the model that was read, free here";
  working = std::move(copy);
  return fmt::format(
      "the model's inputs have a free batch and {} of its constants a fixed one (first at node '{}'): they are free "
      "now, in the files that are written too",
      proof.repairs.size(), first);
}

std::unique_ptr<calibration::Dataset> open_for_single_samples(
    const host::Registry &registry, const host::KernelIndex &kernels, host::WorkingModel &working,
    const std::function<std::unique_ptr<calibration::Dataset>(const model::Model &)> &open,
    std::optional<std::string> &told) {
  std::unique_ptr<calibration::Dataset> dataset = open(working.model);
  const std::optional<std::int64_t> batch = fixed_batch(working.model);
  if (!batch) {
    told = free_shapes(registry, kernels, working);
    return told ? open(working.model) : std::move(dataset);
  }
  if (!fault(*dataset)) return dataset;
  model::Model freed = working.model;
  free_inputs(freed);
  if (fault(*open(freed))) return dataset;  // the batch is not what they lack
  told = free_batch(registry, kernels, working, *batch);
  return open(working.model);
}

}  // namespace halftone::pipeline
