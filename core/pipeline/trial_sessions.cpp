#include "core/pipeline/trial_sessions.h"

#include <algorithm>
#include <utility>

#include "core/base/error.h"

namespace halftone::pipeline {
namespace {

using model::Handle;

void require_slot(const model::Model &model, const quant::SlotKey &key) {
  const model::Node &node = model.node(key.node);
  if (node.graph != model.main_graph()) {
    fail(Status::kInvalidArgument, "'{}' ({}) belongs to a body; trials are of the main graph", node.name,
         node.op_type);
  }
  const std::vector<Handle> &slots = key.is_output ? node.outputs : node.inputs;
  if (key.slot < slots.size() && slots[key.slot] != HT_NONE) return;
  fail(Status::kInvalidArgument, "'{}' ({}) has no {} {} to be tried", node.name, node.op_type,
       key.is_output ? "output" : "input", key.slot);
}

quant::ConfigTable configs_of(const std::vector<host::TrialSlot> &slots) {
  quant::ConfigTable configs;
  for (const host::TrialSlot &slot : slots) {
    const bool dynamic = slot.spec.dynamic != 0;
    const Handle config =
        configs.create(slot.key, slot.spec, dynamic ? quant::State::kActivated : quant::State::kInitial);
    if (!dynamic)
      configs.set_scales(config, slot.scales, slot.zero_points, {.pass = "", .rule = "trial", .statistics = ""});
  }
  return configs;
}

}  // namespace

TrialOpener::TrialOpener(const host::Instance &executor, const host::Context &ctx, std::uint32_t workers)
    : executor_(executor), ctx_(ctx), workers_(workers), copy_(*ctx.working) {}

std::vector<TrialSession> TrialOpener::plan(const host::TrialRequest &request) const {
  const model::Model &model = ctx_.working->model;
  const Cutter cutter(model);
  std::vector<TrialSession> trials;
  for (const std::vector<host::TrialSlot> &slots : request.trials) {
    if (slots.empty()) fail(Status::kInvalidArgument, "trial {} quantizes nothing", trials.size());
    std::vector<Handle> nodes;
    for (const host::TrialSlot &slot : slots) {
      require_slot(model, slot.key);
      nodes.push_back(slot.key.node);
    }
    (void)configs_of(slots);  // what is wrong with a type is found before anything runs
    TrialSession trial;
    trial.number = static_cast<std::uint32_t>(trials.size());
    trial.cut = cutter.behind(nodes, request.values);
    trial.bytes = parameter_bytes(model, trial.cut);
    trials.push_back(std::move(trial));
  }
  return trials;
}

void TrialOpener::open(const host::TrialRequest &request, TrialSession &trial) {
  if (trial.cut.emits.empty()) return;
  host::SessionRequest part;
  part.mode = host::Mode::kSimulated;
  part.emits = trial.cut.emits;
  part.feeds = trial.cut.feeds;
  trial.session = open(configs_of(request.trials[trial.number]), std::move(part));
}

std::unique_ptr<host::Session> TrialOpener::whole(std::vector<Handle> emits, std::optional<host::Sequence> sequence) {
  host::SessionRequest request;
  request.emits = std::move(emits);
  request.sequence = std::move(sequence);
  return open({}, std::move(request));
}

// With a context of its own: a session must not leave memory in the pass's arena.
std::unique_ptr<host::Session> TrialOpener::open(quant::ConfigTable configs, host::SessionRequest request) {
  copy_.configs = std::move(configs);
  host::Context own;
  own.working = &copy_;
  own.kernels = ctx_.kernels;
  own.sinks = ctx_.sinks;
  request.workers = workers_;
  return std::make_unique<host::Session>(executor_, own, request);
}

}  // namespace halftone::pipeline
