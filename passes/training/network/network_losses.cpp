#include "network_losses.h"

#include <algorithm>
#include <string>

namespace halftone::passes {

NetworkLosses::NetworkLosses(const sdk::Context &ctx, const NetworkPart &part, const NetworkData &data,
                             const NetworkRecipe &recipe)
    : part_(part), data_(data) {
  const sdk::Graph graph(ctx);
  if (recipe.label_weight > 0) {
    require_labels(graph);
    losses_.push_back({HT_LOSS_CROSS_ENTROPY, 0, static_cast<float>(recipe.label_weight), 0});
  }
  const auto share = 1.0 / static_cast<double>(part.outputs.size());
  for (std::size_t i = 0; i < part.outputs.size(); ++i) {
    if (recipe.teacher_weight > 0) {
      require_classes(graph, i);
      losses_.push_back(
          {HT_LOSS_KL, i, static_cast<float>(recipe.teacher_weight * share), static_cast<float>(recipe.temperature)});
    }
    if (recipe.error_weight <= 0) continue;
    const double power = data.power(i) > 0 ? data.power(i) : 1;
    losses_.push_back({HT_LOSS_MSE, i, static_cast<float>(recipe.error_weight * share / power), 0});
  }
  if (losses_.empty()) {
    throw sdk::Failure(HT_INVALID_ARGUMENT, "`labels`, `teacher` and `error` are all 0: nothing says what to learn");
  }
}

void NetworkLosses::require_labels(const sdk::Graph &graph) const {
  if (data_.labels().size() < data_.samples()) {
    throw sdk::Failure(HT_FAILED_PRECONDITION,
                       "the loss `labels` needs the classes of the calibration samples; give `labels` below "
                       "`calibration`, or take `teacher` or `error`");
  }
  require_classes(graph, 0);
  const std::vector<std::int64_t> &shape = data_.target(0).at(0).shape;
  const std::int64_t classes = shape[1];
  std::int64_t all = 1;
  for (const std::int64_t extent : shape) all *= extent;
  const std::string name(graph.value(part_.outputs[0]).name());
  if (all != classes) {
    throw sdk::Failure(HT_FAILED_PRECONDITION,
                       "the loss `labels` has one class for each sample, and '" + name +
                           "' has more than one score for each class; take `teacher` or `error`",
                       part_.outputs[0]);
  }
  for (std::uint64_t sample = 0; sample < data_.samples(); ++sample) {
    const std::int64_t label = data_.labels()[sample];
    if (label >= 0 && label < classes) continue;
    throw sdk::Failure(HT_INVALID_ARGUMENT,
                       "calibration sample " + std::to_string(sample) + " has the class " + std::to_string(label) +
                           ", and '" + name + "' has scores of the classes 0 to " + std::to_string(classes - 1),
                       part_.outputs[0]);
  }
}

void NetworkLosses::require_classes(const sdk::Graph &graph, std::size_t output) const {
  const std::vector<std::int64_t> &shape = data_.target(output).at(0).shape;
  if (shape.size() >= 2 && shape[1] > 1) return;
  throw sdk::Failure(HT_FAILED_PRECONDITION,
                     "'" + std::string(graph.value(part_.outputs[output]).name()) +
                         "' has no classes along its second axis; take the loss `error`, or name other values in "
                         "`outputs`",
                     part_.outputs[output]);
}

void NetworkLosses::declare(sdk::TrainingSetup &setup) const {
  for (const Loss &each : losses_) setup.loss(each.kind, part_.outputs[each.output], each.parameter, each.weight);
}

NetworkBatch::NetworkBatch(const NetworkLosses &losses, const NetworkData &data)
    : losses_(losses), data_(data), inputs_(losses.part_.inputs.size()), targets_(losses.part_.outputs.size()) {}

void NetworkBatch::fill(std::span<const std::uint64_t> samples, sdk::TrainingBatch &batch) {
  batch.inputs.clear();
  batch.targets.clear();
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    inputs_[i].fill(data_.input(i), samples);
    batch.inputs.push_back(inputs_[i].view());
  }
  for (std::size_t i = 0; i < targets_.size(); ++i) targets_[i].fill(data_.target(i), samples);
  for (const NetworkLosses::Loss &loss : losses_.losses_) {
    ht_tensor_view target = targets_[loss.output].view();
    if (loss.kind == HT_LOSS_CROSS_ENTROPY) {
      labels_.clear();
      for (const std::uint64_t sample : samples) labels_.push_back(data_.labels()[sample]);
      label_shape_.assign(target.shape, target.shape + target.rank);
      label_shape_.erase(label_shape_.begin() + 1);
      target.dtype = HT_I64;
      target.rank = static_cast<std::uint32_t>(label_shape_.size());
      target.shape = label_shape_.data();
      target.data = labels_.data();
    }
    batch.targets.push_back(target);
  }
}

}  // namespace halftone::passes
