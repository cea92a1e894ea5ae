#include "training_identity.h"

#include <unordered_map>

#include "halftone/config.hpp"
#include "halftone/content_digest.hpp"
#include "halftone/folded_norm.hpp"
#include "halftone/graph.hpp"
#include "halftone/owned_tensor.hpp"

namespace halftone::passes {
namespace {

void add_tensor(sdk::ContentDigest &digest, const ht_tensor_view &tensor) {
  digest.add(std::uint64_t{tensor.dtype});
  for (std::uint32_t i = 0; i < tensor.rank; ++i) digest.add(static_cast<std::uint64_t>(tensor.shape[i]));
  const std::size_t size = sdk::bytes_of(tensor.dtype, sdk::count_of(tensor));  // 0 for texts, of which nothing depends
  digest.add(std::span(static_cast<const std::byte *>(tensor.data), size));
}

// The normalization that fold-batch-norm noted, from which training by the batch starts.
void add_fold(sdk::ContentDigest &digest, const sdk::FoldedNorm &norm) {
  digest.add(double{norm.epsilon});
  digest.add(double{norm.momentum});
  for (const auto *values : {&norm.gamma, &norm.beta, &norm.mean, &norm.variance, &norm.weight}) {
    digest.add(std::as_bytes(std::span(*values)));
  }
}

// Attributes show in the data's float outputs, which the digest of the data has.
void add_nodes(sdk::ContentDigest &digest, const sdk::Graph &graph) {
  for (const ht_handle handle : graph.nodes()) {
    const sdk::Node node = graph.node(handle);
    digest.add(node.op_type());
    digest.add(node.name());
    if (const auto norm = sdk::noted_fold(graph, handle)) add_fold(digest, *norm);
    for (const ht_handle input : node.inputs()) {
      digest.add(input == HT_NONE ? std::string_view() : graph.value(input).name());
      if (const auto tensor = graph.initializer(input)) add_tensor(digest, *tensor);
    }
    for (const ht_handle output : node.outputs()) {
      digest.add(output == HT_NONE ? std::string_view() : graph.value(output).name());
    }
  }
}

void add_configs(sdk::ContentDigest &digest, const sdk::Graph &graph, const sdk::Configs &configs) {
  std::unordered_map<ht_handle, std::uint64_t> numbers = {{HT_NONE, 0}};
  for (const ht_handle config : configs.all()) numbers.emplace(config, numbers.size());
  for (const ht_handle config : configs.all()) {
    const ht_config_info info = configs.info(config);
    digest.add(graph.node(info.node).name());
    digest.add(numbers[info.root]);
    digest.add(numbers[info.master]);
    const ht_quant_spec &spec = info.spec;
    for (const std::uint32_t each : {info.state, info.direction, info.slot, spec.kind, spec.bits, spec.is_signed,
                                     spec.symmetry, spec.granularity, spec.scale_form, spec.rounding, spec.dynamic}) {
      digest.add(std::uint64_t{each});
    }
    for (const std::int64_t each :
         {spec.quant_min, spec.quant_max, std::int64_t{spec.axis}, std::int64_t{spec.block_size}}) {
      digest.add(static_cast<std::uint64_t>(each));
    }
    for (std::uint64_t i = 0; i < info.scale_count; ++i) {
      digest.add(double{info.scales[i]});
      digest.add(static_cast<std::uint64_t>(static_cast<std::int64_t>(info.zero_points[i])));
    }
  }
}

void add_choice(sdk::ContentDigest &digest, const FakeQuantizerChoice &choice) {
  digest.add(std::string_view(choice.method));
  for (const auto &[name, value] : choice.parameters) {
    digest.add(std::string_view(name));
    digest.add(std::string_view(value));
  }
}

// All that decides about the result: not where it is kept, nor how much memory it may take.
void add_recipe(sdk::ContentDigest &digest, const NetworkRecipe &recipe) {
  for (const auto *list : {&recipe.outputs, &recipe.layers}) {
    digest.add(static_cast<std::uint64_t>(list->size()));
    for (const std::string &name : *list) digest.add(std::string_view(name));
  }
  add_choice(digest, recipe.weights);
  add_choice(digest, recipe.activations);
  const LearnedKinds &learns = recipe.learns;
  for (const bool each : {learns.weights, learns.biases, learns.scales, learns.offsets, recipe.sgd}) {
    digest.add(std::uint64_t{each ? 1U : 0U});
  }
  for (const double each :
       {recipe.label_weight, recipe.teacher_weight, recipe.error_weight, recipe.temperature, recipe.quantization_weight,
        recipe.validation, recipe.momentum, recipe.weight_decay, recipe.clip, recipe.rate, recipe.scale_rate,
        recipe.offset_rate, recipe.rounding_rate, recipe.decay, recipe.regularization}) {
    digest.add(each);
  }
  for (const std::uint64_t each :
       {recipe.epochs, recipe.steps, recipe.batch, recipe.accumulate, recipe.samples, recipe.warm_up,
        recipe.decay_epochs, recipe.batch_norm_epochs, recipe.seed, static_cast<std::uint64_t>(recipe.measure),
        static_cast<std::uint64_t>(recipe.schedule), static_cast<std::uint64_t>(recipe.batch_norm)}) {
    digest.add(each);
  }
}

}  // namespace

TrainingIdentity identify_training(const sdk::Context &ctx, const NetworkData &data, const NetworkRecipe &recipe,
                                   const FoldedLayers &by_batch) {
  sdk::ContentDigest model, samples, options;
  add_nodes(model, sdk::Graph(ctx));
  add_configs(model, sdk::Graph(ctx), sdk::Configs(ctx));
  data.add_to(samples);
  add_recipe(options, recipe);
  by_batch.add_to(options, sdk::Graph(ctx));
  return {model.value(), samples.value(), options.value()};
}

}  // namespace halftone::passes
