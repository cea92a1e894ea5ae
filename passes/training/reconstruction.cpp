#include "reconstruction.h"

#include <cmath>
#include <cstdio>
#include <string>

#include "block_state.h"
#include "block_training.h"
#include "chosen_blocks.h"
#include "halftone/memory_share.hpp"

namespace halftone::passes {
namespace {

class Questions final : public FlowQuestions {
 public:
  Questions(const sdk::Context &ctx, const sdk::Trainer &trainer)
      : ctx_(ctx), graph_(ctx), configs_(ctx), trainer_(trainer) {}
  bool learns(const sdk::Node &node) const override { return has_own_weight(graph_, configs_, node); }
  bool can_train(const sdk::Node &node) const override { return trainer_.supports(ctx_, node.handle); }

 private:
  const sdk::Context &ctx_;
  const sdk::Graph graph_;
  const sdk::Configs configs_;
  const sdk::Trainer &trainer_;
};

std::string short_number(double x) {
  char text[32];
  (void)std::snprintf(text, sizeof(text), "%.3g", x);
  return text;
}

class Reconstruction {
 public:
  Reconstruction(const sdk::Context &ctx, const Recipe &recipe)
      : ctx_(ctx),
        recipe_(recipe),
        trainer_(ctx),
        flow_(read_flow(sdk::Graph(ctx), Questions(ctx, trainer_))),
        blocks_(chosen_blocks(sdk::Graph(ctx), flow_, find_blocks(flow_, recipe.blocks), recipe.layers)),
        users_(ctx) {}

  void run() {
    if (blocks_.empty()) return ctx_.report("trained", "0 blocks: no weight is quantized with a scale of its own");
    const std::uint64_t memory = sdk::allowed_memory(ctx_, recipe_.memory);
    BlockData data(ctx_, flow_, blocks_, {recipe_.samples, memory, recipe_.exponent, recipe_.mix < 1});
    for (std::size_t b = 0; b < blocks_.size(); ++b) {
      treat(data, b);
      data.finish(b);
    }
    tell();
  }

 private:
  void treat(BlockData &data, std::size_t b) {
    const BlockError before = data.gather(ctx_, b);
    const Learnables learnables = find_learnables(ctx_, flow_, blocks_[b], users_);
    if (learnables.empty() || before.mean == 0) {
      (void)data.measure(ctx_, b);
      ++unchanged_;
      return;
    }
    const BlockState state(ctx_, learnables);
    const bool trained = train(data, b, learnables);
    const BlockError after = data.measure(ctx_, b);
    if (!trained) return;
    const bool better = after.mean < before.mean;
    if (!better) {
      state.put_back(ctx_);
      (void)data.measure(ctx_, b);
      ++rolled_back_;
    } else {
      ++kept_;
      left_ += std::log(after.mean / before.mean);
    }
    const sdk::Graph graph(ctx_);
    const FlowValue &exit = flow_.values[blocks_[b].exit];
    const std::string name(graph.node(flow_.nodes[exit.producer].handle).name());
    ctx_.report(
        "block " + std::to_string(b + 1) + ", to '" + name + "'",
        "error " + short_number(before.mean) + " -> " + short_number(after.mean) + (better ? "" : ", taken back"));
  }

  // False, with nothing changed, where it cannot be trained.
  bool train(const BlockData &data, std::size_t b, const Learnables &learnables) {
    const auto poll = [&](std::uint64_t step) { ctx_.poll(b * recipe_.steps + step, blocks_.size() * recipe_.steps); };
    try {
      if (train_block(ctx_, trainer_, flow_, blocks_[b], learnables, data, recipe_, b, poll)) return true;
      ++unbatched_;
    } catch (const sdk::Failure &failure) {
      if (failure.status() != HT_UNIMPLEMENTED) throw;
      ++unknown_;
    }
    return false;
  }

  void tell() const {
    ctx_.report("trained", std::to_string(kept_) + " of " + std::to_string(blocks_.size()) + " blocks");
    if (kept_ > 0) {
      const double part = std::exp(left_ / static_cast<double>(kept_));
      ctx_.report("error", std::to_string(std::lround(100 * part)) + " % of that before, as a mean over these");
    }
    if (rolled_back_ > 0) ctx_.report("taken back", std::to_string(rolled_back_) + " blocks that did not get better");
    if (unbatched_ > 0) {
      ctx_.report("left", std::to_string(unbatched_) + " blocks whose values have no common first axis");
    }
    if (unknown_ > 0) ctx_.report("not trained", std::to_string(unknown_) + " blocks in a form that the trainer lacks");
  }

  const sdk::Context &ctx_;
  const Recipe &recipe_;
  const sdk::Trainer trainer_;
  const FlowGraph flow_;
  const std::vector<Block> blocks_;
  const ScaleUsers users_;
  std::size_t kept_ = 0, rolled_back_ = 0, unchanged_ = 0, unbatched_ = 0, unknown_ = 0;
  double left_ = 0;
};

}  // namespace

void reconstruct(const sdk::Context &ctx, const Recipe &recipe) {
  refuse_baked(ctx, recipe.pass);
  Reconstruction(ctx, recipe).run();
}

}  // namespace halftone::passes
