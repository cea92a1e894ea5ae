// Normalizations that go by the batch: those that were folded into a layer, and nodes of their own.
#include <algorithm>
#include <cmath>

#include "builder.h"
#include "halftone/folded_norm.hpp"
#include "operators.h"
#include "steps/fold_step.h"
#include "steps/norm_step.h"

namespace halftone::trainer {
namespace {

[[noreturn]] void refuse(const std::string &layer, const std::string &reason, ht_handle node) {
  throw sdk::Failure(HT_INVALID_ARGUMENT, layer + ": its folded normalization cannot be trained: " + reason, node);
}

std::vector<float> copied(const float *from, std::size_t count) {
  return {from, from + count};
}

}  // namespace

void Builder::take_folds() {
  for (std::uint64_t i = 0; i < options_.fold_count; ++i) {
    const ht_train_fold &given = options_.folds[i];
    const sdk::Node node = graph_.node(given.node);
    const std::string label = sdk::label_of(node);
    const bool twice = std::any_of(program_->folds.begin(), program_->folds.end(),
                                   [&](const auto &own) { return own->node == given.node; });
    if (twice) refuse(label, "it is named twice", given.node);
    const auto layer = sdk::detail::folded_layer(graph_, node);
    if (!layer) {
      refuse(label,
             "only Conv, ConvTranspose and Gemm that store a weight and one bias per channel, both in float32, can be",
             given.node);
    }
    for (const std::uint32_t slot : {1U, 2U}) check_fold_slot(node, slot, label);
    const bool complete = given.gamma != nullptr && given.beta != nullptr && given.mean != nullptr &&
                          given.variance != nullptr && given.channels == layer->channels.count();
    if (!complete) {
      refuse(label, "gamma, beta, mean and variance need " + std::to_string(layer->channels.count()) + " numbers each",
             given.node);
    }
    auto fold = std::make_unique<Fold>();
    fold->node = given.node;
    fold->name = label;
    fold->by_batch = given.batch_statistics != 0;
    fold->epsilon = double{given.epsilon};
    fold->momentum = double{given.momentum};
    fold->channels = layer->channels;
    if (node.is("Gemm")) fold->bias_factor = graph_.attribute_float(given.node, "beta", 1.0);
    const std::size_t count = layer->channels.count();
    fold->gamma = copied(given.gamma, count);
    fold->beta = copied(given.beta, count);
    fold->mean = copied(given.mean, count);
    fold->variance = copied(given.variance, count);
    fold->find_factors();
    const bool finite =
        std::all_of(fold->factor.begin(), fold->factor.end(), [](double factor) { return std::isfinite(factor); });
    if (!finite) refuse(label, "a variance is not above -epsilon, or gamma is not finite", given.node);
    if (fold->bias_factor == 0) refuse(label, "the layer multiplies its bias by 0", given.node);
    if (given.weight != nullptr) fold->given_weight = copied(given.weight, layer->channels.elements());
    folds_[given.node] = static_cast<int>(program_->folds.size());
    program_->folds.push_back(std::move(fold));
  }
}

// What else reads the weight or bias would need it folded.
void Builder::check_fold_slot(const sdk::Node &node, std::uint32_t slot, const std::string &label) const {
  const std::string what = slot == 1 ? "its weight" : "its bias";
  if (graph_.value(node.input(slot)).info.consumer_count != 1) {
    refuse(label, what + " is read by other nodes too", node.handle);
  }
  const ht_handle config = configs_.input(node.handle, slot);
  const std::uint32_t state = config == HT_NONE ? HT_STATE_ACTIVATED : configs_.state(config);
  if (state == HT_STATE_BAKED || state == HT_STATE_PASSIVE_BAKED) {
    refuse(label, what + " is stored quantized already; train before parameter-baking", node.handle);
  }
}

void Builder::check_all_folds_used() const {
  for (const auto &fold : program_->folds) {
    if (fold->weight < 0) refuse(fold->name, "it does not lie between the inputs and outputs", fold->node);
  }
}

// The weight or bias of a layer, which is held unfolded.
int Builder::fold_parameter(int number, std::uint32_t slot, ht_handle value, ht_handle config) {
  Fold &fold = *program_->folds[static_cast<std::size_t>(number)];
  const int made = parameter(value, is_live(config) ? config : HT_NONE);
  const int index = program_->values[static_cast<std::size_t>(made)].parameter;
  Parameter &p = program_->parameters[static_cast<std::size_t>(index)];
  p.fold = number;
  p.role = slot == 1 ? FoldRole::kWeight : FoldRole::kBias;
  Weight *weight = p.weight < 0 ? nullptr : program_->weights[static_cast<std::size_t>(p.weight)].get();
  const Shape &shape = weight == nullptr ? p.stored.shape : weight->shape;
  const std::span<float> held{weight == nullptr ? p.stored.floats() : weight->values.data(), count_of(shape)};
  const std::vector<float> stored(held.begin(), held.end());
  if (slot == 2) {
    fold.bias = index;
    fold.unfold_bias(stored, held);
    return made;
  }
  fold.weight = index;
  if (fold.given_weight.empty()) {
    fold.unfold_weight(stored, held);
  } else {
    std::copy(fold.given_weight.begin(), fold.given_weight.end(), held.begin());
    fold.given_weight = {};
  }
  add_learned_of_fold(fold, weight != nullptr);
  return made;
}

void Builder::add_learned_of_fold(Fold &fold, bool weight_is_learned) {
  const auto add = [&](std::uint32_t kind, std::uint32_t part, std::vector<float> &values) {
    Learned learned;
    learned.kind = kind;
    learned.handle = fold.node;
    learned.part = part;
    learned.shape = {static_cast<std::int64_t>(values.size())};
    learned.values = &values;
    if (kind == HT_LEARNED_WEIGHT) learned.gradient.assign(values.size(), 0.0F);
    program_->learned.push_back(std::move(learned));
    return static_cast<int>(program_->learned.size()) - 1;
  };
  if (weight_is_learned) {
    fold.gamma_learned = add(HT_LEARNED_WEIGHT, HT_FOLD_GAMMA, fold.gamma);
    fold.beta_learned = add(HT_LEARNED_WEIGHT, HT_FOLD_BETA, fold.beta);
  }
  add(HT_LEARNED_STATISTICS, HT_FOLD_MEAN, fold.mean);
  add(HT_LEARNED_STATISTICS, HT_FOLD_VARIANCE, fold.variance);
}

// The weight as it is, for channels in which it cannot be divided by s.
int Builder::weight_as_it_is(int number) {
  const Fold &fold = *program_->folds[static_cast<std::size_t>(number)];
  const Parameter &folded = program_->parameters[static_cast<std::size_t>(fold.weight)];
  Parameter p;
  p.handle = folded.handle;
  p.name = folded.name;
  p.weight = folded.weight;
  p.stored = folded.stored;
  p.fold = number;
  p.role = FoldRole::kWeightAsItIs;
  p.value = add_value(p.name, HT_NONE);
  program_->values[static_cast<std::size_t>(p.value)].parameter = static_cast<int>(program_->parameters.size());
  program_->parameters.push_back(std::move(p));
  return program_->parameters.back().value;
}

// Adds the layer; returns the step that normalizes behind it, which makes the layer's output.
std::unique_ptr<Step> Builder::normalized(std::unique_ptr<Step> layer, const sdk::Node &node, int number) {
  const Fold &fold = *program_->folds[static_cast<std::size_t>(number)];
  const Parameter &bias = program_->parameters[static_cast<std::size_t>(fold.bias)];
  const Shape bias_shape =
      bias.weight < 0 ? bias.stored.shape : program_->weights[static_cast<std::size_t>(bias.weight)]->shape;
  const int zeros = add_value({}, HT_NONE);
  Tensor none = make_tensor(program_->pool, HT_F32, bias_shape);
  std::fill_n(none.floats(), none.count(), 0.0F);
  program_->values[static_cast<std::size_t>(zeros)].constant = std::move(none);

  std::vector<std::unique_ptr<Step>> parts;
  auto apart = std::make_unique<ApartStep>(*program_, number, make_operator(ctx_, node));
  apart->inputs = {layer->inputs[0], weight_as_it_is(number), zeros};
  auto norm = std::make_unique<FoldStep>(*program_, number);
  parts.push_back(std::move(layer));
  parts.push_back(std::move(apart));
  for (auto &part : parts) {
    part->graph_node = node.handle;
    part->label = fold.name;
    part->outputs = {add_value(std::string(node.name()), HT_NONE)};
    norm->inputs.push_back(part->outputs[0]);
    add_step(std::move(part));
  }
  norm->graph_node = node.handle;
  norm->label = "normalization folded into " + fold.name;
  return norm;
}

void Builder::take_normalizations() {
  for (std::uint64_t i = 0; i < options_.normalizations.size; ++i) {
    const ht_handle handle = options_.normalizations.data[i];
    const sdk::Node node = graph_.node(handle);
    const auto refused = [&](const std::string &reason) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, sdk::label_of(node) + " cannot normalize by the batch: " + reason,
                         handle);
    };
    std::size_t outputs = 0;
    for (const ht_handle output : node.outputs()) outputs += output == HT_NONE ? 0 : 1;
    const bool fits = node.is("BatchNormalization") && node.inputs().size() == 5 && outputs == 1 &&
                      graph_.attribute_int(handle, "training_mode", 0) == 0;
    if (!fits) refused("only BatchNormalization with five inputs and one output, in inference mode, can");
    for (const std::uint32_t slot : {3U, 4U}) {
      const ht_handle value = node.input(slot);
      const auto stored = graph_.initializer(value);
      if (!stored || stored->dtype != HT_F32) refused("its running statistics are not stored in float32");
      if (graph_.value(value).info.consumer_count != 1) {
        refused("other nodes read its running statistics too; give each its own");
      }
      if (learned_weights_.contains(value)) refused("its running statistics are named among the weights to learn");
      statistics_.insert(value);
    }
    normalizations_.insert(handle);
  }
}

std::unique_ptr<Step> Builder::normalization(const sdk::Node &node) {
  return std::make_unique<NormStep>(ctx_, node, *program_);
}

// After its inputs were numbered.
void Builder::give_statistics(Step &step, const sdk::Node &node) {
  static_cast<NormStep &>(step).statistics(weight_of(node.input(3)), weight_of(node.input(4)));
  normalizations_used_.insert(node.handle);
}

void Builder::check_all_normalizations_used() const {
  for (const ht_handle node : normalizations_) {
    if (normalizations_used_.contains(node)) continue;
    throw sdk::Failure(HT_INVALID_ARGUMENT,
                       sdk::label_of(graph_.node(node)) +
                           " is to normalize by the batch and does not lie between the inputs and outputs",
                       node);
  }
}

}  // namespace halftone::trainer
