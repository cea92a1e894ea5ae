#include "block_training.h"

#include <algorithm>
#include <string>
#include <utility>

#include "batch_order.h"
#include "block_batch.h"
#include "block_state.h"
#include "counter_random.h"
#include "halftone/memory_share.hpp"
#include "learned_kinds.h"

namespace halftone::passes {
namespace {

void add_weights(const sdk::Configs &configs, const Learnables &learnables, const Recipe &recipe,
                 sdk::TrainingSetup &setup) {
  for (const StoredPoint &point : learnables.weights) {
    const bool free = configs.info(point.config).spec.scale_form == HT_SCALE_FREE;
    const std::uint32_t scale = recipe.learns_weight_scales && free ? kLearnsScale : 0;
    if (recipe.learns_weights) setup.weights.push_back(point.value);
    if (recipe.learns_rounding) {
      setup.quantizer(point.config, "adaround", kLearnsRounding | scale);
    } else if (scale != 0) {
      setup.quantizer(point.config, "lsq", scale);
    }
  }
  if (!recipe.learns_weights && !recipe.learns_biases) return;
  for (const StoredPoint &point : learnables.operands) setup.weights.push_back(point.value);
}

void add_activations(const Learnables &learnables, const Recipe &recipe, sdk::TrainingSetup &setup) {
  const std::pair<std::string, double> keep{"keep", recipe.keep};
  const auto learned = [&](ht_handle config) {
    return recipe.learns_activation_scales &&
           std::ranges::find(learnables.activations, config) != learnables.activations.end();
  };
  for (const ht_handle config : learnables.all_quantized) {
    const std::uint32_t scale = learned(config) ? kLearnsScale : 0;
    if (recipe.keep < 1) {
      setup.quantizer(config, "qdrop", scale, {&keep, 1});
    } else if (scale != 0) {
      setup.quantizer(config, "lsq", scale);
    }
  }
}

void fill_setup(const sdk::Context &ctx, const FlowGraph &flow, const Block &block, const Learnables &learnables,
                const Recipe &recipe, sdk::TrainingSetup &setup) {
  for (const std::size_t entry : block.entries) setup.inputs.push_back(flow.values[entry].handle);
  const ht_handle exit = flow.values[block.exit].handle;
  setup.outputs = {exit};
  setup.memory = sdk::training_memory(ctx);
  setup.loss(recipe.loss, exit, static_cast<float>(recipe.exponent));
  if (recipe.sgd) {
    for (std::uint32_t kind = 1; kind < HT_LEARNED_KINDS; ++kind) setup.optimizer(kind, sdk::TrainingSetup::sgd(0.9F));
  }
  add_weights(sdk::Configs(ctx), learnables, recipe, setup);
  add_activations(learnables, recipe, setup);
}

sdk::TrainingRates rates_at(const Recipe &recipe, std::uint64_t step) {
  const double factor = rate_factor(recipe.schedule, step, recipe.steps);
  sdk::TrainingRates rates{};
  rates[HT_LEARNED_WEIGHT] = static_cast<float>(recipe.rate * factor);
  rates[HT_LEARNED_ROUNDING] = static_cast<float>(recipe.rounding_rate * factor);
  rates[HT_LEARNED_SCALE] =
      static_cast<float>(recipe.scale_rate * rate_factor(recipe.scale_schedule, step, recipe.steps));
  return rates;
}

}  // namespace

bool train_block(const sdk::Context &ctx, const sdk::Trainer &trainer, const FlowGraph &flow, const Block &block,
                 const Learnables &learnables, const BlockData &data, const Recipe &recipe, std::uint64_t number,
                 const std::function<void(std::uint64_t step)> &poll) {
  const std::uint64_t seed = mixed(recipe.seed, number);
  BlockBatch rows(data, block, recipe.mix, mixed(seed, 1));
  std::vector<std::size_t> classes = rows.classes();
  if (classes.empty()) return false;
  BatchOrder order(std::move(classes), recipe.batch, mixed(seed, 2));
  sdk::TrainingSetup setup;
  setup.seed = mixed(seed, 3);
  fill_setup(ctx, flow, block, learnables, recipe, setup);
  const sdk::TrainingSession session(ctx, trainer, setup);
  sdk::TrainingBatch batch;
  batch.quantization_weight = static_cast<float>(recipe.quantization_weight);
  for (std::uint64_t step = 0; step < recipe.steps; ++step) {
    poll(step);
    const std::vector<std::uint64_t> samples = order.next();
    rows.fill(samples, step, batch);
    batch.step = step;
    if (recipe.learns_rounding) {
      const RoundingTerm term = rounding_term(recipe.rounding, step, recipe.steps);
      batch.rounding_weight = term.weight;
      batch.rounding_beta = term.beta;
    }
    (void)session.accumulate(ctx, batch);
    session.update(ctx, rates_at(recipe, step));
  }
  write_learned(ctx, session, learnables, recipe);
  return true;
}

}  // namespace halftone::passes
