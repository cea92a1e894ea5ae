#include "engine.h"

#include "integer/dot.h"
#include "integer/products.h"
#include "session.h"

namespace halftone::onednn {
namespace {

void supports(const sdk::Context &ctx, ht_handle node) {
  NodeRecord record;
  prepare_node(ctx, sdk::Graph(ctx).node(node), record);
}

std::unique_ptr<sdk::Session> open(const sdk::Context &ctx, const ht_session_options &options) {
  return std::make_unique<Session>(read_program(ctx, options), options.worker_count, sdk::is_timed(options));
}

std::unique_ptr<sdk::Session> open_integer(const sdk::Context &ctx, const ht_session_options &options,
                                           integer::Multiplier multiplier) {
  limit_instructions();
  return std::make_unique<integer::IntegerSession>(integer::build_plan(ctx, options, {multiplier, &fast_step}),
                                                   options);
}

}  // namespace

extern "C" __attribute__((visibility("default")))
const Engine halftone_onednn_engine = {kBuild, &supports, &open, &open_integer};

}  // namespace halftone::onednn
