#include "engine.h"

#include "operators.h"
#include "session.h"

namespace halftone::trainer {
namespace {

void supports(const sdk::Context &ctx, ht_handle node) {
  const std::unique_ptr<Step> step = make_operator(ctx, sdk::Graph(ctx).node(node));
  step->graph_node = node;
  step->label = sdk::label_of(sdk::Graph(ctx).node(node));
  step->look_up_gradient(ctx);
  step->prepare_backward(ctx);
}

std::unique_ptr<sdk::TrainSession> open(const sdk::Context &ctx, const ht_train_options &options) {
  return std::make_unique<TrainingSession>(ctx, options);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) const Engine halftone_trainer_engine = {kBuild, &supports, &open};

}  // namespace halftone::trainer
