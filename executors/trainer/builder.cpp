#include "builder.h"

#include <algorithm>

#include "halftone/control_flow.hpp"
#include "operators.h"
#include "steps/kernel_step.h"
#include "steps/quantize_step.h"

namespace halftone::trainer {
namespace {

std::set<ht_handle> set_of(ht_handles list) {
  return {list.data, list.data + list.size};
}

std::string quoted(std::string_view name) {
  std::string text = "'";
  text += name;
  text += '\'';
  return text;
}

}  // namespace

Builder::Builder(const sdk::Context &ctx, const ht_train_options &options)
    : ctx_(ctx),
      graph_(ctx),
      configs_(ctx),
      options_(options),
      fed_(set_of(options.inputs)),
      learned_weights_(set_of(options.weights)),
      program_(std::make_unique<Program>()) {
  name_methods();
  take_folds();
  take_normalizations();
}

std::unique_ptr<Program> Builder::build() {
  for (std::uint64_t i = 0; i < options_.inputs.size; ++i) program_->inputs.push_back(define(options_.inputs.data[i]));
  const std::set<ht_handle> needed = needed_nodes();
  for (const ht_handle node : graph_.nodes()) {
    if (needed.contains(node)) add_node(graph_.node(node));
  }
  add_outputs();
  add_losses();
  for (const ht_handle weight : learned_weights_) {
    if (program_->weights.end() == std::find_if(program_->weights.begin(), program_->weights.end(),
                                                [&](const auto &own) { return own->handle == weight; })) {
      throw sdk::Failure(HT_INVALID_ARGUMENT,
                         "initializer " + quoted(graph_.value(weight).name()) +
                             " is to be learned and no operator between the inputs and outputs reads it",
                         weight);
    }
  }
  check_all_methods_used();
  check_all_folds_used();
  check_all_normalizations_used();
  add_learned_of_points();
  mark_gradients();
  mark_last_uses();
  return std::move(program_);
}

std::set<ht_handle> Builder::needed_nodes() const {
  std::set<ht_handle> wanted;
  std::vector<ht_handle> open;
  const auto want = [&](ht_handle value) {
    if (value == HT_NONE || is_fed(value)) return;
    const ht_handle producer = graph_.value(value).info.producer;
    if (producer != HT_NONE && wanted.insert(producer).second) open.push_back(producer);
  };
  for (std::uint64_t i = 0; i < options_.outputs.size; ++i) want(options_.outputs.data[i]);
  for (std::uint64_t i = 0; i < options_.loss_count; ++i) want(options_.losses[i].output);
  while (!open.empty()) {
    const sdk::Node node = graph_.node(open.back());
    open.pop_back();
    for (const ht_handle input : node.inputs()) want(input);
  }
  return wanted;
}

int Builder::add_value(std::string name, ht_handle handle) {
  program_->values.push_back({});
  program_->values.back().name = std::move(name);
  program_->values.back().handle = handle;
  return static_cast<int>(program_->values.size()) - 1;
}

int Builder::define(ht_handle value) {
  if (const auto known = numbers_.find(value); known != numbers_.end()) return known->second;
  return numbers_[value] = add_value(std::string(graph_.value(value).name()), value);
}

int Builder::read(ht_handle value) {
  if (const auto known = numbers_.find(value); known != numbers_.end()) return known->second;
  if (is_held(value)) return parameter(value, HT_NONE);
  const auto tensor = graph_.initializer(value);
  if (!tensor) {
    throw sdk::Failure(HT_INVALID_ARGUMENT,
                       "value " + quoted(graph_.value(value).name()) +
                           " is needed and is neither fed nor made from what is fed; name it among the inputs",
                       value);
  }
  const int number = define(value);
  program_->values[static_cast<std::size_t>(number)].constant = copy_of(program_->pool, *tensor);
  return number;
}

int Builder::weight_of(ht_handle value) {
  for (std::size_t i = 0; i < program_->weights.size(); ++i) {
    if (program_->weights[i]->handle == value) return static_cast<int>(i);
  }
  const auto tensor = graph_.initializer(value);
  const std::string name(graph_.value(value).name());
  if (!tensor || tensor->dtype != HT_F32) {
    throw sdk::Failure(HT_UNIMPLEMENTED,
                       "value " + quoted(name) + " cannot be learned: only initializers of float32 can", value);
  }
  auto weight = std::make_unique<Weight>();
  weight->handle = value;
  weight->name = name;
  weight->kind = statistics_.contains(value) ? HT_LEARNED_STATISTICS : HT_LEARNED_WEIGHT;
  weight->shape.assign(tensor->shape, tensor->shape + tensor->rank);
  const auto *data = static_cast<const float *>(tensor->data);
  weight->values.assign(data, data + sdk::count_of(*tensor));
  weight->learned = static_cast<int>(program_->learned.size());
  Learned learned;
  learned.kind = weight->kind;
  learned.handle = value;
  learned.shape = weight->shape;
  learned.values = &weight->values;
  if (weight->kind == HT_LEARNED_WEIGHT) learned.gradient.assign(weight->values.size(), 0.0F);
  program_->learned.push_back(std::move(learned));
  program_->weights.push_back(std::move(weight));
  return static_cast<int>(program_->weights.size()) - 1;
}

int Builder::parameter(ht_handle value, ht_handle config) {
  const auto key = std::pair(value, config);
  if (const auto known = parameters_.find(key); known != parameters_.end()) return known->second;
  Parameter p;
  p.handle = value;
  p.name = graph_.value(value).name();
  if (is_held(value)) {
    p.weight = weight_of(value);
  } else {
    p.stored = copy_of(program_->pool, *graph_.initializer(value));
  }
  if (config != HT_NONE) p.quant = use_of(config, true);
  p.value = add_value(p.name, config == HT_NONE ? value : HT_NONE);
  program_->values[static_cast<std::size_t>(p.value)].parameter = static_cast<int>(program_->parameters.size());
  program_->parameters.push_back(std::move(p));
  return parameters_[key] = program_->parameters.back().value;
}

// What a config makes of a value; the same for all slots that share the config.
int Builder::quantized(int raw, ht_handle config) {
  auto step = std::make_unique<QuantizeStep>(use_of(config, false), *program_);
  const std::string name = program_->values[static_cast<std::size_t>(raw)].name;
  step->label = "fake quantizer of " + quoted(name);
  step->inputs = {raw};
  const int made = add_value(name, HT_NONE);
  step->outputs = {made};
  add_step(std::move(step));
  return made;
}

int Builder::quantized_input(const sdk::Node &node, std::uint32_t slot) {
  const ht_handle value = node.input(slot);
  if (value == HT_NONE) return kNoValue;
  const ht_handle config = configs_.input(node.handle, slot);
  if (const auto fold = folds_.find(node.handle); fold != folds_.end() && (slot == 1 || slot == 2)) {
    return fold_parameter(fold->second, slot, value, config);
  }
  if (!is_live(config)) {
    if (config != HT_NONE && learned_weights_.contains(value) &&
        (configs_.state(config) == HT_STATE_BAKED || configs_.state(config) == HT_STATE_PASSIVE_BAKED)) {
      throw sdk::Failure(HT_FAILED_PRECONDITION,
                         "initializer " + quoted(graph_.value(value).name()) +
                             " cannot be learned: it is stored quantized already; train before parameter-baking",
                         value);
    }
    return read(value);
  }
  if (is_initializer(value)) {
    const auto stored = graph_.initializer(value);
    if (stored && stored->dtype == HT_F32) return parameter(value, config);
    return read(value);  // other types are left alone
  }
  const int raw = read(value);
  const auto key = std::pair(raw, config);
  if (const auto known = quantized_.find(key); known != quantized_.end()) return known->second;
  return quantized_[key] = quantized(raw, config);
}

void Builder::add_step(std::unique_ptr<Step> step) {
  step->number = program_->steps.size();
  program_->steps.push_back(std::move(step));
}

void Builder::add_node(const sdk::Node &node) {
  if (sdk::has_bodies(node)) {
    throw sdk::Failure(HT_UNIMPLEMENTED,
                       sdk::label_of(node) +
                           " lies in the part to train; the trainer knows no If, Loop or Scan: "
                           "choose inputs behind it or outputs before it",
                       node.handle);
  }
  const bool by_batch = normalizations_.contains(node.handle);
  std::unique_ptr<Step> step = by_batch ? normalization(node) : make_operator(ctx_, node);
  step->graph_node = node.handle;
  step->label = sdk::label_of(node);
  for (std::uint32_t i = 0; i < node.inputs().size(); ++i) step->inputs.push_back(quantized_input(node, i));
  if (by_batch) give_statistics(*step, node);
  if (fold(node, *step)) return;
  const auto folded = folds_.find(node.handle);
  if (folded != folds_.end() && program_->folds[static_cast<std::size_t>(folded->second)]->by_batch) {
    step = normalized(std::move(step), node, folded->second);
  }
  add_outputs_of(std::move(step), node);
}

void Builder::add_outputs_of(std::unique_ptr<Step> step, const sdk::Node &node) {
  std::vector<std::pair<ht_handle, int>> to_quantize;
  for (std::uint32_t i = 0; i < node.outputs().size(); ++i) {
    const ht_handle value = node.output(i);
    if (value == HT_NONE || is_fed(value)) {
      step->outputs.push_back(add_value({}, HT_NONE));  // computed, and read by nobody
      continue;
    }
    const ht_handle config = configs_.output(node.handle, i);
    if (is_live(config)) {
      const int raw = add_value(std::string(graph_.value(value).name()), HT_NONE);
      step->outputs.push_back(raw);
      to_quantize.emplace_back(config, raw);
      numbers_[value] = kNoValue;  // set below
    } else {
      step->outputs.push_back(define(value));
    }
  }
  Step &added = *step;
  add_step(std::move(step));
  for (std::size_t i = 0, k = 0; i < added.outputs.size(); ++i) {
    if (k == to_quantize.size() || added.outputs[i] != to_quantize[k].second) continue;
    const int made = quantized(to_quantize[k].second, to_quantize[k].first);
    program_->values[static_cast<std::size_t>(made)].handle = node.output(i);
    numbers_[node.output(i)] = made;
    ++k;
  }
}

// Computes a node now whose inputs are all known and whose outputs are not quantized.
bool Builder::fold(const sdk::Node &node, const Step &step) {
  for (const int input : step.inputs) {
    if (input != kNoValue && program_->values[static_cast<std::size_t>(input)].constant.empty()) return false;
  }
  for (std::uint32_t i = 0; i < node.outputs().size(); ++i) {
    if (is_live(configs_.output(node.handle, i)) || is_fed(node.output(i))) return false;
  }
  const PreparedKernel kernel(ctx_, node);
  std::vector<Tensor> inputs;
  for (const int input : step.inputs) {
    inputs.push_back(input == kNoValue ? Tensor() : program_->values[static_cast<std::size_t>(input)].constant);
  }
  std::vector<Tensor> outputs = kernel.compute(ctx_.raw, program_->pool, inputs, node.outputs().size());
  for (std::uint32_t i = 0; i < node.outputs().size(); ++i) {
    if (node.output(i) == HT_NONE) continue;
    program_->values[static_cast<std::size_t>(define(node.output(i)))].constant = std::move(outputs[i]);
  }
  return true;
}

void Builder::add_outputs() {
  for (std::uint64_t i = 0; i < options_.outputs.size; ++i) {
    program_->outputs.push_back(read(options_.outputs.data[i]));
    program_->output_handles.push_back(options_.outputs.data[i]);
  }
}

void Builder::add_losses() {
  for (std::uint64_t i = 0; i < options_.loss_count; ++i)
    program_->loss_values.push_back(read(options_.losses[i].output));
}

}  // namespace halftone::trainer
